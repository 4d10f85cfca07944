#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

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

/// Refers to a part of a box tree: a node or a leaf.
class BoxRef {
 public:
  BoxRef() = default;
  /// A node that compares the word at this offset of a BoxKey.
  static BoxRef node(std::size_t line, std::size_t word_offset) {
    return BoxRef(static_cast<std::uint32_t>(line * kCacheLine + word_offset));
  }
  static BoxRef leaf(std::size_t line, bool several_groups) {
    return BoxRef(static_cast<std::uint32_t>(line * kCacheLine) | kLeaf |
                  (several_groups ? kSeveralGroups : 0));
  }
  static BoxRef from_word(std::uint32_t word) { return BoxRef(word); }

  [[nodiscard]] std::uint32_t word() const { return word_; }
  [[nodiscard]] std::size_t line() const { return word_ / kCacheLine; }
  [[nodiscard]] bool is_leaf() const { return (word_ & kLeaf) != 0; }
  [[nodiscard]] bool has_several_groups() const { return (word_ & kSeveralGroups) != 0; }
  [[nodiscard]] std::size_t word_offset() const { return word_ & kOffset; }
  [[nodiscard]] const BoxLine* in(const BoxLine* lines) const {
    return reinterpret_cast<const BoxLine*>(reinterpret_cast<const std::byte*>(lines) +
                                            (word_ & ~kFlags));
  }

  /// Lines that can be referred to.
  static constexpr std::size_t kMaxLines = (std::size_t{1} << 32) / kCacheLine;

 private:
  // In the bits that a line's address leaves free.
  static constexpr std::uint32_t kFlags = kCacheLine - 1;
  static constexpr std::uint32_t kOffset = 15;
  static constexpr std::uint32_t kLeaf = 16;
  static constexpr std::uint32_t kSeveralGroups = 32;
  static_assert(sizeof(BoxKey) <= kOffset + 1);

  explicit BoxRef(std::uint32_t word) : word_(word) {}

  std::uint32_t word_ = kLeaf;
};

/// Two lines: the last words of the children, and references to them. Child i takes
/// the words up to last[i] that no child before it takes, the last child the rest;
/// last[] is padded with a value that no word exceeds.
struct BoxNode {
  static constexpr std::size_t kLines = 2;
  static constexpr std::size_t kMaxChildren = BoxLine::kWords;

  const BoxLine* lines;

  [[nodiscard]] const BoxLine& last() const { return lines[0]; }
  [[nodiscard]] BoxRef child(std::size_t i) const { return BoxRef::from_word(lines[1].words[i]); }
};

/// Four lines: up to eight boxes in order of their rules, one dimension after the
/// other, so that a key is compared with all of them at once. An unused place has
/// the rule kNoBoxRule. A leaf's groups follow each other; the last one of several
/// has an unused place.
///
/// A range is its low end and its length less one: key - low <= length tells in one
/// comparison whether the key is inside.
struct BoxGroup {
  static constexpr std::size_t kLines = 4;
  static constexpr std::size_t kBoxes = 8;
  /// Lines: low ends in the lower half, lengths in the upper. A word of kPorts has
  /// the source port below the destination port. Of kProtocolsAndRules, protocols
  /// are 16 bits each in the lower half, and rules are the upper one.
  enum Content : std::size_t { kSources, kDestinations, kPorts, kProtocolsAndRules };

  const BoxLine* lines;

  [[nodiscard]] std::uint32_t rule(std::size_t i) const {
    return lines[kProtocolsAndRules].words[kBoxes + i];
  }
  [[nodiscard]] std::uint32_t last_rule() const { return rule(kBoxes - 1); }
  /// Then another group follows in a leaf of several.
  [[nodiscard]] bool is_full() const { return last_rule() != kNoBoxRule; }
  [[nodiscard]] BoxGroup next() const { return {lines + kLines}; }
};

}  // namespace afxfw
