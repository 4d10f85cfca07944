#include "pipeline/source_ranking.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace afxfw {
namespace {

DroppedSource ipv4(Ipv4Bits address) { return {address, 4, DropReason::kBlocklist}; }

SourceWindow window_of(const SpaceSaving& sketch) {
  const auto counters = sketch.counters();
  return {.counters = {counters.begin(), counters.end()},
          .total = sketch.total(),
          .most_missed = sketch.most_missed()};
}

TEST(SourceRanking, OfNothingIsEmpty) {
  EXPECT_TRUE(rank({}).sources.empty());
  const SourceWindow nothing;
  EXPECT_TRUE(rank({&nothing, 1}).sources.empty());
}

TEST(SourceRanking, AddsUpWindowsAndPutsTheMostFirst) {
  SourceWindow first{.counters = {{ipv4(1), 10, 0}, {ipv4(2), 30, 0}}, .total = 40};
  SourceWindow second{.counters = {{ipv4(3), 35, 0}, {ipv4(1), 50, 0}}, .total = 85};
  const std::vector<SourceWindow> windows{first, second};
  const SourceRanking ranking = rank(windows);
  ASSERT_EQ(ranking.sources.size(), 3U);
  EXPECT_EQ(ranking.packets, 125U);
  EXPECT_EQ(ranking.error_bound, 0U);
  EXPECT_EQ(ranking.sources[0].source, ipv4(1));
  EXPECT_EQ(ranking.sources[0].packets, 60U);
  EXPECT_EQ(ranking.sources[1].source, ipv4(3));
  EXPECT_EQ(ranking.sources[2].source, ipv4(2));
}

TEST(SourceRanking, AddsWhatAWindowWithoutTheSourceMayHaveMissed) {
  SourceWindow full{.counters = {{ipv4(1), 10, 2}}, .total = 30, .most_missed = 10};
  SourceWindow with{.counters = {{ipv4(2), 40, 3}}, .total = 60, .most_missed = 5};
  const std::vector<SourceWindow> windows{full, with};
  const SourceRanking ranking = rank(windows);
  ASSERT_EQ(ranking.sources.size(), 2U);
  EXPECT_EQ(ranking.error_bound, 15U);
  EXPECT_EQ(ranking.sources[0].source, ipv4(2));
  EXPECT_EQ(ranking.sources[0].packets, 50U);
  EXPECT_EQ(ranking.sources[0].error_packets, 13U);
  EXPECT_EQ(ranking.sources[1].packets, 15U);
  EXPECT_EQ(ranking.sources[1].error_packets, 7U);
}

TEST(SourceRanking, LeavesOutWhoMayHaveSentNothing) {
  SourceWindow window{.counters = {{ipv4(1), 10, 10}, {ipv4(2), 10, 9}}, .total = 20};
  const SourceRanking ranking = rank({&window, 1});
  ASSERT_EQ(ranking.sources.size(), 1U);
  EXPECT_EQ(ranking.sources[0].source, ipv4(2));
}

TEST(SourceRanking, RatesAreThoseOfTheLatestWindows) {
  SourceWindow old{.counters = {{ipv4(1), 1000, 0}}, .total = 1000, .seconds = 1};
  SourceWindow latest{.counters = {{ipv4(1), 30, 10}}, .total = 30, .seconds = 2, .latest = true};
  const std::vector<SourceWindow> windows{old, latest, latest};
  EXPECT_DOUBLE_EQ(rank(windows).sources.at(0).rate, 20);
}

// What one sketch promises of one stream holds for the sum of several, too.
TEST(SourceRanking, KeepsTheSketchesPromises) {
  constexpr std::size_t kCapacity = 32;
  std::mt19937 random(1);
  std::map<Ipv6Bits, std::uint64_t> exact;
  std::vector<SourceWindow> windows;
  std::uint64_t total = 0;
  for (int each = 0; each < 6; ++each) {
    SpaceSaving sketch(kCapacity, random());
    // One that not even half fills, one that spoofed addresses overrun, those between.
    const std::uint32_t sources = 12U << (2 * static_cast<unsigned>(each));
    for (int i = 0; i < 10'000; ++i) {
      const auto address =
          static_cast<Ipv4Bits>(random() % 3 == 0 ? random() % sources : random() % 9);
      sketch.count(ipv4(address), 1);
      ++exact[address];
      ++total;
    }
    windows.push_back(window_of(sketch));
  }
  const SourceRanking ranking = rank(windows);
  EXPECT_EQ(ranking.packets, total);
  EXPECT_LE(ranking.error_bound, total / kCapacity);
  std::uint64_t before = total;
  for (const HeavyHitter& each : ranking.sources) {
    const std::uint64_t packets = exact.at(each.source.address);
    EXPECT_LE(each.at_least(), packets);
    EXPECT_LE(packets, each.packets);
    EXPECT_LE(each.error_packets, ranking.error_bound);
    EXPECT_LE(each.at_least(), before);
    before = each.at_least();
    exact.erase(each.source.address);
  }
  for (const auto& [address, packets] : exact) EXPECT_LE(packets, ranking.error_bound);
}

}  // namespace
}  // namespace afxfw
