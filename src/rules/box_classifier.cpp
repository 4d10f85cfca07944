#include "rules/box_classifier.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "rules/box_compare.h"
#include "rules/box_forest_builder.h"

namespace afxfw {
namespace {

// Of a group's boxes, the rule of the first one that contains a key. Without a
// branch: which tree has the match is anyone's guess.
inline std::uint32_t first_rule(BoxGroup group, std::uint32_t containing) {
  constexpr std::uint32_t kLast = 1U << (BoxGroup::kBoxes - 1);
  const std::uint32_t none = 0 - static_cast<std::uint32_t>(containing == 0);
  static_assert(kNoBoxRule == 0xffff'ffff);
  return group.rule(static_cast<std::size_t>(std::countr_zero(containing | kLast))) | none;
}

// The lowest rule of the groups after a leaf's first one that contain a key.
template <typename Compare>
[[gnu::always_inline]] inline std::uint32_t match_rest(BoxGroup group, const BoxKey& key) {
  std::uint32_t containing = 0;
  while (containing == 0 && group.is_full()) {
    group.lines += BoxGroup::kLines;
    containing = Compare::containing(group, key);
  }
  return first_rule(group, containing);
}

std::uint32_t next_in_leaf(BoxGroup group, bool several_groups, const BoxKey& key,
                           std::uint32_t from) {
  while (true) {
    for (std::uint32_t left = PortableBoxes::containing(group, key); left != 0; left &= left - 1) {
      const std::uint32_t rule = group.rule(static_cast<std::size_t>(std::countr_zero(left)));
      if (rule >= from) return rule;
    }
    if (!several_groups || !group.is_full()) return kNoBoxRule;
    group.lines += BoxGroup::kLines;
  }
}

constexpr std::size_t kBatch = 64;

// Asks for what a reference refers to.
inline void prefetch(const BoxLine* line) {
  __builtin_prefetch(line);
  __builtin_prefetch(line + 1);
  __builtin_prefetch(line + 2);
  __builtin_prefetch(line + 3);
}

template <typename Compare>
[[gnu::always_inline]] inline void match_batch(const BoxForest& forest,
                                               std::span<const BoxKey> keys,
                                               std::span<std::uint32_t> rules) {
  std::array<std::uint32_t, kBatch> refs;
  std::array<std::uint32_t, kBatch> walking;  // keys that are not at a leaf yet
  const BoxLine* lines = forest.lines.data();
  for (std::size_t i = 0; i < keys.size(); ++i) rules[i] = kNoBoxRule;
  for (const BoxTree& tree : forest.trees) {
    std::size_t count = 0;
    if (tree.root.is_leaf()) {
      for (std::size_t i = 0; i < keys.size(); ++i) refs[i] = tree.root.word();
    } else {
      const BoxNode root = forest.node(tree.root);
      const std::size_t offset = tree.root.word_offset();
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const BoxRef next = root.child(Compare::child(root, key_word(keys[i], offset)));
        prefetch(next.in(lines));
        refs[i] = next.word();
        walking[count] = static_cast<std::uint32_t>(i);
        count += next.is_leaf() ? 0 : 1;
      }
    }
    while (count != 0) {
      std::size_t still = 0;
      for (std::size_t j = 0; j < count; ++j) {
        const std::uint32_t i = walking[j];
        const BoxRef ref = BoxRef::from_word(refs[i]);
        const BoxNode node = {ref.in(lines)};
        const BoxRef next = node.child(Compare::child(node, key_word(keys[i], ref.word_offset())));
        prefetch(next.in(lines));
        refs[i] = next.word();
        walking[still] = i;
        still += next.is_leaf() ? 0 : 1;
      }
      count = still;
    }
    if (!tree.has_long_leaves) {
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const BoxGroup group = {BoxRef::from_word(refs[i]).in(lines)};
        rules[i] = std::min(rules[i], first_rule(group, Compare::containing(group, keys[i])));
      }
      continue;
    }
    std::size_t unfinished = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const BoxRef leaf = BoxRef::from_word(refs[i]);
      const BoxGroup group = {leaf.in(lines)};
      const std::uint32_t containing = Compare::containing(group, keys[i]);
      rules[i] = std::min(rules[i], first_rule(group, containing));
      walking[unfinished] = static_cast<std::uint32_t>(i);
      unfinished += static_cast<std::size_t>(containing == 0) & leaf.has_several_groups();
    }
    for (std::size_t j = 0; j < unfinished; ++j) {
      const std::uint32_t i = walking[j];
      const BoxGroup group = {BoxRef::from_word(refs[i]).in(lines)};
      rules[i] = std::min(rules[i], match_rest<Compare>(group, keys[i]));
    }
  }
}

void match_portable(const BoxForest& forest, std::span<const BoxKey> keys,
                    std::span<std::uint32_t> rules) {
  match_batch<PortableBoxes>(forest, keys, rules);
}

#ifdef __x86_64__
AFXFW_TARGET_AVX2 void match_avx2(const BoxForest& forest, std::span<const BoxKey> keys,
                                  std::span<std::uint32_t> rules) {
  match_batch<Avx2Boxes>(forest, keys, rules);
}

AFXFW_TARGET_AVX512 void match_avx512(const BoxForest& forest, std::span<const BoxKey> keys,
                                      std::span<std::uint32_t> rules) {
  match_batch<Avx512Boxes>(forest, keys, rules);
}
#endif

}  // namespace

BoxClassifier::BoxClassifier() : forest_(build_box_forest({})) {}

BoxClassifier BoxClassifier::build(std::span<const Box> boxes) {
  BoxClassifier classifier;
  classifier.forest_ = build_box_forest(boxes);
  return classifier;
}

std::size_t BoxClassifier::max_memory_bytes(std::size_t boxes) noexcept {
  return max_box_forest_bytes(boxes);
}

void BoxClassifier::first_match(std::span<const BoxKey> keys, std::span<std::uint32_t> rules,
                                Simd simd) const noexcept {
  assert(rules.size() == keys.size());
  for (std::size_t done = 0; done < keys.size(); done += kBatch) {
    const std::size_t count = std::min(kBatch, keys.size() - done);
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

std::uint32_t BoxClassifier::next_match(const BoxKey& key, std::uint32_t from) const noexcept {
  std::uint32_t lowest = kNoMatch;
  for (const BoxTree& tree : forest_.trees) {
    BoxRef ref = tree.root;
    while (!ref.is_leaf()) {
      const BoxNode node = forest_.node(ref);
      ref = node.child(PortableBoxes::child(node, key_word(key, ref.word_offset())));
    }
    lowest = std::min(lowest,
                      next_in_leaf(forest_.first_group(ref), ref.has_several_groups(), key, from));
  }
  return lowest;
}

}  // namespace afxfw
