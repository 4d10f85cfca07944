#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rules/box.h"
#include "rules/box_tree.h"
#include "util/simd.h"

namespace afxfw {

/// An immutable first-match classifier of packets by thousands of boxes, see
/// docs/classification.md.
///
/// Any number of threads may look up at once. A moved-from classifier may only be
/// destroyed or assigned to.
///
/// A few decision trees, each over a part of the boxes, after HyperSplit (Qi et
/// al., "Packet Classification Algorithms: From Theory to Practice", INFOCOM 2009:
/// cuts at the boxes' own ends, at equal density), widened to 16 children a node,
/// and EffiCuts (Vamanan et al., SIGCOMM 2010: boxes that are wide in an address
/// go to trees of their own, where they don't multiply).
class BoxClassifier {
 public:
  /// No rule; also above every rule.
  static constexpr std::uint32_t kNoMatch = kNoBoxRule;

  /// Matches nothing.
  BoxClassifier();

  /// Of two boxes that contain a key, the one with the smaller rule wins. Boxes may
  /// come in any order, overlap and repeat, several may name the same rule; one
  /// with a low end above its high end contains nothing. Rules are below kNoMatch.
  /// Time and memory are bounded by O(n log n) whatever the boxes: see
  /// BoxForest::build().
  [[nodiscard]] static BoxClassifier build(std::span<const Box> boxes);

  /// For each key, the lowest rule with a box that contains it, or kNoMatch. Cache
  /// misses of up to 64 keys overlap. rules: as many as keys. simd: at most
  /// widest_simd().
  void first_match(std::span<const BoxKey> keys, std::span<std::uint32_t> rules,
                   Simd simd = widest_simd()) const noexcept;

  /// The lowest rule from `from` on with a box that contains the key, or kNoMatch:
  /// what to ask with first_match()'s answer plus one if that rule doesn't decide.
  [[nodiscard]] std::uint32_t next_match(const BoxKey& key, std::uint32_t from) const noexcept;

  /// What memory_bytes() stays below, whatever the boxes.
  [[nodiscard]] static std::size_t max_memory_bytes(std::size_t boxes) noexcept;
  /// Heap memory held.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return forest_.memory_bytes(); }

 private:
  BoxForest forest_;
};

}  // namespace afxfw
