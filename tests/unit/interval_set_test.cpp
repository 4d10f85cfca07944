#include "rules/interval_set.h"

#include <gtest/gtest.h>

#include <bitset>
#include <cstddef>
#include <random>
#include <utility>
#include <vector>

namespace afxfw {
namespace {

using nft::Interval;
using nft::Value;

constexpr Value kLargest = ~Value{0};

// All values of a few bits, one by one.
constexpr unsigned kBits = 6;
constexpr std::size_t kValues = 1 << kBits;
using Model = std::bitset<kValues>;

struct Both {
  IntervalSet set;
  Model model;
};

Both random_set(std::mt19937& random) {
  std::vector<Interval> intervals;
  Model model;
  for (std::size_t count = random() % 6; count > 0; --count) {
    const std::size_t low = random() % kValues;
    // Short and long ones, and some up to the end.
    const std::size_t length = random() % (random() % 4 == 0 ? kValues : 4);
    const std::size_t high = std::min(low + length, kValues - 1);
    intervals.push_back({low, high});
    for (std::size_t value = low; value <= high; ++value) model.set(value);
  }
  return {IntervalSet(std::move(intervals)), model};
}

Model values_of(const IntervalSet& set) {
  Model model;
  for (std::size_t value = 0; value < kValues; ++value) model[value] = set.contains(Value{value});
  return model;
}

bool is_canonical(const IntervalSet& set) {
  for (std::size_t i = 0; i < set.intervals().size(); ++i) {
    const Interval& each = set.intervals()[i];
    if (each.low > each.high) return false;
    if (i > 0 && each.low <= set.intervals()[i - 1].high + 1) return false;
  }
  return true;
}

TEST(IntervalSet, HasTheValuesOfItsIntervals) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    const Both a = random_set(random);
    ASSERT_EQ(values_of(a.set), a.model);
    ASSERT_TRUE(is_canonical(a.set));
    ASSERT_EQ(a.set.empty(), a.model.none());
  }
}

TEST(IntervalSet, ItsComplementHasAllOtherValues) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    const Both a = random_set(random);
    const IntervalSet complement = a.set.complement(kBits);
    ASSERT_EQ(values_of(complement), ~a.model);
    ASSERT_TRUE(is_canonical(complement));
    ASSERT_EQ(complement.complement(kBits), a.set);
  }
}

TEST(IntervalSet, AnIntersectionHasWhatBothHave) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    const Both a = random_set(random);
    const Both b = random_set(random);
    const IntervalSet both = a.set.intersection(b.set);
    ASSERT_EQ(values_of(both), a.model & b.model);
    ASSERT_TRUE(is_canonical(both));
    ASSERT_EQ(both, b.set.intersection(a.set));
  }
}

TEST(IntervalSet, ContainsAnotherIfItHasAllOfItsValues) {
  std::mt19937 random(4);
  int contained = 0;
  for (int round = 0; round < 4000; ++round) {
    const Both a = random_set(random);
    const Both b = random_set(random);
    const bool expected = (b.model & ~a.model).none();
    contained += expected ? 1 : 0;
    ASSERT_EQ(a.set.contains(b.set), expected);
  }
  EXPECT_GT(contained, 400) << "else this shows little";
}

TEST(IntervalSet, IntervalsThatTouchBecomeOne) {
  const IntervalSet set({{5, 9}, {1, 4}, {11, 12}, {10, 10}});
  EXPECT_EQ(set, IntervalSet({{1, 12}}));
}

TEST(IntervalSet, ReachesFromZeroToTheLargestValueOf128Bits) {
  const IntervalSet all({{0, kLargest}});
  const IntervalSet ends({{0, 0}, {kLargest, kLargest}});
  EXPECT_TRUE(all.contains(Value{0}));
  EXPECT_TRUE(all.contains(kLargest));
  EXPECT_TRUE(all.complement(128).empty());
  EXPECT_EQ(IntervalSet().complement(128), all);
  EXPECT_EQ(ends.complement(128), IntervalSet({{1, kLargest - 1}}));
  EXPECT_EQ(ends.complement(128).complement(128), ends);
  EXPECT_EQ(all.intersection(ends), ends);
  EXPECT_TRUE(all.contains(ends));
  EXPECT_FALSE(ends.contains(all));
  EXPECT_EQ(IntervalSet({{1, kLargest}, {0, 0}}), all);
  EXPECT_EQ(IntervalSet({{0, kLargest}, {7, 9}, {kLargest, kLargest}}), all);
}

}  // namespace
}  // namespace afxfw
