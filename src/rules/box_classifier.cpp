#include "rules/box_classifier.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include "rules/box_compare.h"
#include "rules/box_forest_builder.h"

namespace afxfw {
namespace {

// Of a group's boxes, the rule of the first one that contains a key. Without a
// branch: which tree has the match is anyone's guess.
inline std::uint32_t first_rule(BoxGroup group, std::uint32_t containing) {
  // Of none, there are 32 zeros.
  const auto first = static_cast<std::size_t>(std::countr_zero(containing)) % BoxGroup::kBoxes;
  static_assert(kNoBoxRule == 0xffff'ffff);
  const std::uint32_t none = 0U - static_cast<std::uint32_t>(containing == 0);
  return group.rule(first) | none;
}

/// Look-ups of up to kSize keys. All of them take a step down a tree, then those
/// that are not at a leaf another one, so that no step waits for the cache line that
/// the step before has asked for, and no branch depends on a key. Its functions are
/// inlined into one that may use Compare's instructions.
template <typename Compare>
class Batch {
 public:
  static constexpr std::size_t kSize = 64;

  [[gnu::always_inline]] Batch(const BoxForest& forest, std::span<const BoxKey> keys,
                               std::span<std::uint32_t> rules)
      : lines_(forest.lines.data()), keys_(keys), rules_(rules) {
    for (std::uint32_t& rule : rules) rule = kNoBoxRule;
    for (const BoxTree& tree : forest.trees) {
      walk(tree);
      if (tree.has_long_leaves) {
        match_leaves_of_any_length();
      } else {
        match_leaves();
      }
    }
  }

 private:
  // Takes every key to a leaf.
  [[gnu::always_inline]] void walk(const BoxTree& tree) {
    const BoxRef root = tree.root;
    std::size_t walking = 0;
    if (!tree.jumps.empty()) {
      const std::size_t offset = tree.jumps.word_offset();
      for (std::size_t i = 0; i < keys_.size(); ++i) {
        walking = arrive(i, tree.jumps.at(key_word(keys_[i], offset)), walking);
      }
    } else if (root.is_leaf()) {
      for (std::size_t i = 0; i < keys_.size(); ++i) refs_[i] = root.word();
    } else {
      for (std::size_t i = 0; i < keys_.size(); ++i) walking = step(i, root, walking);
    }
    while (walking != 0) {
      std::size_t still = 0;
      for (std::size_t j = 0; j < walking; ++j) {
        const std::uint32_t i = selected_[j];
        still = step(i, BoxRef::from_word(refs_[i]), still);
      }
      walking = still;
    }
  }

  // Takes a key to the child of a node, and selects it if that is a node again.
  // Returns how many are selected.
  [[gnu::always_inline]] std::size_t step(std::size_t i, BoxRef ref, std::size_t selected) {
    const BoxNode node = {ref.in(lines_)};
    return arrive(i, node.child(Compare::child(node, key_word(keys_[i], ref.word_offset()))),
                  selected);
  }

  [[gnu::always_inline]] std::size_t arrive(std::size_t i, BoxRef ref, std::size_t selected) {
    const BoxLine* line = ref.in(lines_);
    // A leaf's; of a node, two.
    for (std::size_t part = 0; part < BoxGroup::kLines; ++part) __builtin_prefetch(line + part);
    refs_[i] = ref.word();
    return select(i, !ref.is_leaf(), selected);
  }

  [[gnu::always_inline]] std::size_t select(std::size_t i, bool really, std::size_t selected) {
    selected_[selected] = static_cast<std::uint32_t>(i);
    return selected + static_cast<std::size_t>(really);
  }

  [[gnu::always_inline]] void match_leaves() {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const BoxGroup group = {BoxRef::from_word(refs_[i]).in(lines_)};
      rules_[i] = std::min(rules_[i], first_rule(group, Compare::containing(group, keys_[i])));
    }
  }

  [[gnu::always_inline]] void match_leaves_of_any_length() {
    std::size_t unfinished = 0;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const BoxRef leaf = BoxRef::from_word(refs_[i]);
      const BoxGroup group = {leaf.in(lines_)};
      const std::uint32_t containing = Compare::containing(group, keys_[i]);
      rules_[i] = std::min(rules_[i], first_rule(group, containing));
      const auto none = static_cast<unsigned>(containing == 0);
      unfinished =
          select(i, (none & static_cast<unsigned>(leaf.has_several_groups())) != 0, unfinished);
    }
    for (std::size_t j = 0; j < unfinished; ++j) {
      const std::uint32_t i = selected_[j];
      const BoxGroup first = {BoxRef::from_word(refs_[i]).in(lines_)};
      rules_[i] = std::min(rules_[i], match_rest(first, keys_[i]));
    }
  }

  // Of the groups after a leaf's first one.
  [[gnu::always_inline]] static std::uint32_t match_rest(BoxGroup group, const BoxKey& key) {
    std::uint32_t containing = 0;
    while (containing == 0 && group.is_full()) {
      group = group.next();
      containing = Compare::containing(group, key);
    }
    return first_rule(group, containing);
  }

  const BoxLine* lines_;
  std::span<const BoxKey> keys_;
  std::span<std::uint32_t> rules_;
  std::array<std::uint32_t, kSize> refs_;      // where each key is
  std::array<std::uint32_t, kSize> selected_;  // keys that are not done yet
};

constexpr std::size_t kBatchSize = Batch<PortableBoxes>::kSize;

void match_portable(const BoxForest& forest, std::span<const BoxKey> keys,
                    std::span<std::uint32_t> rules) {
  Batch<PortableBoxes>(forest, keys, rules);
}

#ifdef __x86_64__
AFXFW_TARGET_AVX2 void match_avx2(const BoxForest& forest, std::span<const BoxKey> keys,
                                  std::span<std::uint32_t> rules) {
  Batch<Avx2Boxes>(forest, keys, rules);
}

AFXFW_TARGET_AVX512 void match_avx512(const BoxForest& forest, std::span<const BoxKey> keys,
                                      std::span<std::uint32_t> rules) {
  Batch<Avx512Boxes>(forest, keys, rules);
}
#endif

/// The lowest rule from `from` on in a leaf.
template <typename Compare>
[[gnu::always_inline]] inline std::uint32_t next_in_leaf(BoxGroup group, bool several_groups,
                                                         const BoxKey& key, std::uint32_t from) {
  // Of groups before `from`, only the last rule is looked at.
  while (several_groups && group.is_full() && group.last_rule() < from) group = group.next();
  while (true) {
    for (std::uint32_t left = Compare::containing(group, key); left != 0; left &= left - 1) {
      const std::uint32_t rule = group.rule(static_cast<std::size_t>(std::countr_zero(left)));
      if (rule >= from) return rule;
    }
    if (!several_groups || !group.is_full()) return kNoBoxRule;
    group = group.next();
  }
}

template <typename Compare>
[[gnu::always_inline]] inline std::uint32_t next(const BoxForest& forest, const BoxKey& key,
                                                 std::uint32_t from) {
  const BoxLine* lines = forest.lines.data();
  std::uint32_t lowest = kNoBoxRule;
  for (const BoxTree& tree : forest.trees) {
    const BoxJumpTable& jumps = tree.jumps;
    BoxRef ref = jumps.empty() ? tree.root : jumps.at(key_word(key, jumps.word_offset()));
    while (!ref.is_leaf()) {
      const BoxNode node = {ref.in(lines)};
      ref = node.child(Compare::child(node, key_word(key, ref.word_offset())));
    }
    const BoxGroup first = {ref.in(lines)};
    lowest = std::min(lowest, next_in_leaf<Compare>(first, ref.has_several_groups(), key, from));
  }
  return lowest;
}

std::uint32_t next_portable(const BoxForest& forest, const BoxKey& key, std::uint32_t from) {
  return next<PortableBoxes>(forest, key, from);
}

#ifdef __x86_64__
AFXFW_TARGET_AVX2 std::uint32_t next_avx2(const BoxForest& forest, const BoxKey& key,
                                          std::uint32_t from) {
  return next<Avx2Boxes>(forest, key, from);
}

AFXFW_TARGET_AVX512 std::uint32_t next_avx512(const BoxForest& forest, const BoxKey& key,
                                              std::uint32_t from) {
  return next<Avx512Boxes>(forest, key, from);
}
#endif

}  // namespace

BoxClassifier::BoxClassifier() : BoxClassifier(build_box_forest({})) {}

BoxClassifier::BoxClassifier(BoxForest forest) : forest_(std::move(forest)) {}

BoxClassifier BoxClassifier::build(std::span<const Box> boxes) {
  return BoxClassifier(build_box_forest(boxes));
}

std::size_t BoxClassifier::max_memory_bytes(std::size_t boxes) noexcept {
  return max_box_forest_bytes(boxes);
}

void BoxClassifier::first_match(std::span<const BoxKey> keys, std::span<std::uint32_t> rules,
                                Simd simd) const noexcept {
  assert(rules.size() == keys.size());
  for (std::size_t done = 0; done < keys.size(); done += kBatchSize) {
    const std::size_t count = std::min(kBatchSize, keys.size() - done);
    const auto batch = keys.subspan(done, count);
    const auto results = rules.subspan(done, count);
#ifdef __x86_64__
    if (simd == Simd::kAvx512) {
      match_avx512(forest_, batch, results);
      continue;
    }
    if (simd == Simd::kAvx2) {
      match_avx2(forest_, batch, results);
      continue;
    }
#else
    static_cast<void>(simd);
#endif
    match_portable(forest_, batch, results);
  }
}

std::uint32_t BoxClassifier::next_match(const BoxKey& key, std::uint32_t from,
                                        Simd simd) const noexcept {
#ifdef __x86_64__
  if (simd == Simd::kAvx512) return next_avx512(forest_, key, from);
  if (simd == Simd::kAvx2) return next_avx2(forest_, key, from);
#else
  static_cast<void>(simd);
#endif
  return next_portable(forest_, key, from);
}

}  // namespace afxfw
