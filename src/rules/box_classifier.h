#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "rules/box.h"
#include "rules/box_tree.h"
#include "util/simd.h"

namespace afxfw {

/// An immutable set of rules over five fields, in which the first one that matches a
/// packet is found: thousands of rules, each with as many boxes as it needs.
///
/// Any number of threads may look up at once. A moved-from classifier may only be
/// destroyed or assigned to.
///
/// One to three decision trees, each over a part of the boxes; see BoxForest for
/// what they are made of, BoxTreeBuilder for how they grow and
/// docs/classification.md for why and what it costs. Cuts are where boxes begin or
/// end, and at equal density, as in HyperSplit (Qi et al., INFOCOM 2009), but 16 ways;
/// boxes that are wide in an address go to trees of their own where they would
/// multiply, as in EffiCuts (Vamanan et al., SIGCOMM 2010).
class BoxClassifier {
 public:
  /// No rule; also above every rule.
  static constexpr std::uint32_t kNoMatch = kNoBoxRule;

  /// Matches nothing.
  BoxClassifier();

  /// Boxes may come in any order, overlap and repeat, and several may name the same
  /// rule; one with a low end above its high end contains nothing. Rules are below
  /// kNoMatch. Takes O(n log n), and memory as max_memory_bytes() says, whatever the
  /// boxes: where they overlap too much to be told apart, look-ups compare them one
  /// after the other, eight at a time. Throws std::length_error above 4 GB.
  [[nodiscard]] static BoxClassifier build(std::span<const Box> boxes);

  /// For each key, the lowest rule with a box that contains it, or kNoMatch. Cache
  /// misses of up to 64 keys overlap. rules: as many as keys. simd: at most
  /// widest_simd().
  void first_match(std::span<const BoxKey> keys, std::span<std::uint32_t> rules,
                   Simd simd = widest_simd()) const noexcept;

  /// The lowest rule from `from` on with a box that contains the key, or kNoMatch:
  /// what to ask with first_match()'s answer plus one if that rule doesn't decide.
  [[nodiscard]] std::uint32_t next_match(const BoxKey& key, std::uint32_t from,
                                         Simd simd = widest_simd()) const noexcept;

  /// What memory_bytes() doesn't exceed: 128 bytes a box and 1.7 MB.
  [[nodiscard]] static std::size_t max_memory_bytes(std::size_t boxes) noexcept;
  /// Heap memory held.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return forest_.memory_bytes(); }

 private:
  explicit BoxClassifier(BoxForest forest);

  BoxForest forest_;
};

}  // namespace afxfw
