#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rules/box.h"
#include "util/cache_line.h"

namespace afxfw {

/// What box trees are made of, a cache line: half of a node or a quarter of a leaf
/// group.
struct alignas(kCacheLine) BoxLine {
  static constexpr std::size_t kWords = 16;
  std::array<std::uint32_t, kWords> words;
};
static_assert(sizeof(BoxLine) == kCacheLine);

/// Refers to a part of a box tree: a node that cuts one dimension, or a leaf.
class BoxRef {
 public:
  BoxRef() = default;
  static BoxRef node(std::uint32_t dimension, std::size_t line) { return {dimension, line}; }
  static BoxRef leaf(std::size_t line, bool several_groups) {
    return {several_groups ? kLongLeaf : kLeaf, line};
  }
  static BoxRef from_word(std::uint32_t word) {
    BoxRef ref;
    ref.word_ = word;
    return ref;
  }

  [[nodiscard]] std::uint32_t word() const { return word_; }
  [[nodiscard]] std::size_t line() const { return word_ >> kKindBits; }
  [[nodiscard]] bool is_node() const { return (word_ & kKindMask) < kBoxDimensions; }
  [[nodiscard]] bool is_long_leaf() const { return (word_ & kKindMask) == kLongLeaf; }
  /// Of a node.
  [[nodiscard]] std::uint32_t dimension() const { return word_ & kKindMask; }

  /// Lines that can be referred to: 32 GB.
  static constexpr std::size_t kMaxLines = std::size_t{1} << 29;

 private:
  static constexpr unsigned kKindBits = 3;
  static constexpr std::uint32_t kKindMask = (1U << kKindBits) - 1;
  static constexpr std::uint32_t kLeaf = kBoxDimensions;
  static constexpr std::uint32_t kLongLeaf = kBoxDimensions + 1;

  BoxRef(std::uint32_t kind, std::size_t line)
      : word_(static_cast<std::uint32_t>(line << kKindBits) | kind) {}

  std::uint32_t word_ = kLeaf;
};

/// Two lines: the last coordinates of the children, and references to them. Child i
/// takes the coordinates up to last[i] that no child before it takes, the last child
/// the rest; last[] is padded with a value that no coordinate exceeds.
struct BoxNode {
  static constexpr std::size_t kLines = 2;
  static constexpr std::size_t kMaxChildren = BoxLine::kWords;

  const BoxLine* lines;

  [[nodiscard]] const BoxLine& last() const { return lines[0]; }
  [[nodiscard]] BoxRef child(std::size_t i) const { return BoxRef::from_word(lines[1].words[i]); }
};

/// Four lines: up to eight boxes in order of their rules, one dimension after the
/// other, so that a key is compared with all of them at once. An unused place holds
/// a box that contains nothing, of rule kNoBoxRule. A leaf's groups follow each
/// other; the last one of several has an unused place.
///
/// High ends are stored inverted, so that one comparison serves both ends: low <=
/// key and ~high <= ~key.
struct BoxGroup {
  static constexpr std::size_t kLines = 4;
  static constexpr std::size_t kBoxes = 8;
  /// Lines: of the first two, the lower half has the low ends, the upper half the
  /// inverted high ends.
  enum Content : std::size_t { kSources, kDestinations, kPorts, kProtocolsAndRules };

  const BoxLine* lines;

  /// The halves of kPorts (source, destination) and the lower half of
  /// kProtocolsAndRules have this for each box.
  static constexpr std::uint32_t range_word(std::uint32_t low, std::uint32_t high) {
    return low | ~high << 16;
  }
  [[nodiscard]] std::uint32_t rule(std::size_t i) const {
    return lines[kProtocolsAndRules].words[kBoxes + i];
  }
  [[nodiscard]] bool is_full() const { return rule(kBoxes - 1) != kNoBoxRule; }
};

/// A decision tree over some of the boxes.
struct BoxTree {
  BoxRef root;
  /// The lowest of its rules: a key that has a lower one need not ask the tree.
  std::uint32_t lowest_rule = kNoBoxRule;
};

/// Trees, each over a part of the boxes, in the lines they share.
struct BoxForest {
  std::vector<BoxLine> lines;
  std::vector<BoxTree> trees;

  [[nodiscard]] BoxNode node(BoxRef ref) const noexcept { return {&lines[ref.line()]}; }
  [[nodiscard]] BoxGroup first_group(BoxRef leaf) const noexcept { return {&lines[leaf.line()]}; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return lines.size() * sizeof(BoxLine) + trees.size() * sizeof(BoxTree);
  }
};

}  // namespace afxfw
