#include "rules/box_classifier.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "rules/box_compare.h"
#include "rules/box_forest_builder.h"

namespace afxfw {
namespace {

/// The lowest rule of a leaf's boxes that contain a point.
template <typename Compare>
[[gnu::always_inline]] inline std::uint32_t match(const BoxForest& forest, BoxRef leaf,
                                                  const BoxPoint& point) {
  BoxGroup group = forest.first_group(leaf);
  std::uint32_t containing = Compare::containing(group, point);
  if (leaf.is_long_leaf()) {
    while (containing == 0 && group.is_full()) {
      group.lines += BoxGroup::kLines;
      containing = Compare::containing(group, point);
    }
  }
  return containing == 0 ? kNoBoxRule
                         : group.rule(static_cast<std::size_t>(std::countr_zero(containing)));
}

std::uint32_t next_in_leaf(BoxGroup group, bool is_long, const BoxPoint& point,
                           std::uint32_t from) {
  while (true) {
    for (std::uint32_t left = PortableBoxes::containing(group, point); left != 0;
         left &= left - 1) {
      const std::uint32_t rule = group.rule(static_cast<std::size_t>(std::countr_zero(left)));
      if (rule >= from) return rule;
    }
    if (!is_long || !group.is_full()) return kNoBoxRule;
    group.lines += BoxGroup::kLines;
  }
}

constexpr std::size_t kBatch = 64;

template <typename Compare>
[[gnu::always_inline]] inline void match_batch(const BoxForest& forest,
                                               std::span<const BoxKey> keys,
                                               std::span<std::uint32_t> rules) {
  std::array<BoxPoint, kBatch> points;
  std::array<std::uint32_t, kBatch> refs;
  std::array<std::uint32_t, kBatch> walking;  // keys that are not at a leaf yet
  for (std::size_t i = 0; i < keys.size(); ++i) {
    points[i] = BoxPoint::of(keys[i]);
    rules[i] = kNoBoxRule;
  }
  for (const BoxTree& tree : forest.trees) {
    std::size_t count = tree.root.is_node() ? keys.size() : 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      refs[i] = tree.root.word();
      walking[i] = static_cast<std::uint32_t>(i);
    }
    while (count != 0) {
      std::size_t still = 0;
      for (std::size_t j = 0; j < count; ++j) {
        const std::uint32_t i = walking[j];
        const BoxRef ref = BoxRef::from_word(refs[i]);
        const BoxNode node = forest.node(ref);
        const BoxRef next =
            node.child(Compare::child(node, points[i].coordinates[ref.dimension()]));
        const BoxLine* line = &forest.lines[next.line()];
        __builtin_prefetch(line);
        __builtin_prefetch(line + 1);
        __builtin_prefetch(line + 2);
        __builtin_prefetch(line + 3);
        refs[i] = next.word();
        walking[still] = i;
        still += next.is_node() ? 1 : 0;
      }
      count = still;
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      rules[i] = std::min(rules[i], match<Compare>(forest, BoxRef::from_word(refs[i]), points[i]));
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
  const BoxPoint point = BoxPoint::of(key);
  std::uint32_t lowest = kNoMatch;
  for (const BoxTree& tree : forest_.trees) {
    BoxRef ref = tree.root;
    while (ref.is_node()) {
      const BoxNode node = forest_.node(ref);
      ref = node.child(PortableBoxes::child(node, point.coordinates[ref.dimension()]));
    }
    lowest =
        std::min(lowest, next_in_leaf(forest_.first_group(ref), ref.is_long_leaf(), point, from));
  }
  return lowest;
}

}  // namespace afxfw
