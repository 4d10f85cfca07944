#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "pktgen/receive/arrivals.h"
#include "pktgen/receive/flow_tally.h"
#include "pktgen/receive/latency_histogram.h"

namespace afxfw::pktgen {
namespace {

FlowTally tally(const std::vector<std::uint32_t>& sequences) {
  FlowTally tally;
  for (const std::uint32_t sequence : sequences) tally.add(sequence);
  return tally;
}

TEST(PktgenFlowTally, CountsPacketsInOrder) {
  const FlowTally seen = tally({0, 1, 2, 3});
  EXPECT_EQ(seen.received(), 4U);
  EXPECT_EQ(seen.lost() + seen.reordered() + seen.duplicated() + seen.too_late(), 0U);
}

// RFC 4737: the packet that comes after a later one is reordered, not the later one.
TEST(PktgenFlowTally, CallsALatePacketReorderedNotThoseBeforeIt) {
  EXPECT_EQ(tally({0, 1, 2, 4, 5, 6, 3, 7}).reordered(), 1U);
  EXPECT_EQ(tally({0, 1, 2, 6, 3, 4, 5, 7}).reordered(), 3U);
  EXPECT_EQ(tally({0, 1, 2, 6, 3, 4, 5, 7}).lost(), 0U);
}

TEST(PktgenFlowTally, CountsGapsAsLostUntilTheyAreFilled) {
  EXPECT_EQ(tally({0, 3}).lost(), 2U);
  EXPECT_EQ(tally({0, 3, 1}).lost(), 1U);
  EXPECT_EQ(tally({2}).lost(), 2U) << "what came before the first packet is lost, too";
  EXPECT_EQ(tally({0, 1}).lost(5), 3U) << "and what was sent after the last one";
  EXPECT_EQ(FlowTally().lost(5), 5U);
}

TEST(PktgenFlowTally, TellsDuplicatesFromReordering) {
  const FlowTally seen = tally({0, 0, 2, 1, 1, 2});
  EXPECT_EQ(seen.duplicated(), 3U);
  EXPECT_EQ(seen.reordered(), 1U);
  EXPECT_EQ(seen.distinct(), 3U);
  EXPECT_EQ(seen.lost(), 0U);
}

TEST(PktgenFlowTally, DoesNotGuessBehindItsWindow) {
  constexpr auto kWindow = static_cast<std::uint32_t>(FlowTally::kWindow);
  EXPECT_EQ(tally({0, kWindow, 1}).reordered(), 1U);
  const FlowTally seen = tally({0, kWindow + 1, 1});
  EXPECT_EQ(seen.too_late(), 1U);
  EXPECT_EQ(seen.lost(), kWindow);
}

TEST(PktgenFlowTally, GoesOnWhenNumbersStartAnew) {
  FlowTally seen;
  for (const std::uint32_t sequence :
       {0U, 0x4000'0000U, 0x8000'0000U, 0xc000'0000U, 0xffff'ffffU, 1U, 0U, 0U, 0xffff'fffeU, 2U}) {
    seen.add(sequence);
  }
  EXPECT_EQ(seen.reordered(), 2U);
  EXPECT_EQ(seen.duplicated(), 1U);
  EXPECT_EQ(seen.distinct(), 9U);
  EXPECT_EQ(seen.lost(), 0x1'0000'0003ULL - 9);
}

/// Straight from the definitions, with all numbers kept.
struct TallyModel {
  std::set<std::uint32_t> came;
  std::uint64_t reordered = 0;
  std::uint64_t duplicated = 0;

  void add(std::uint32_t sequence) {
    if (came.contains(sequence)) {
      ++duplicated;
      return;
    }
    if (!came.empty() && *came.rbegin() > sequence) ++reordered;
    came.insert(sequence);
  }
};

TEST(PktgenFlowTally, AgreesWithTheDefinitionsOnRandomPaths) {
  std::mt19937 random(1);
  for (int path = 0; path < 50; ++path) {
    // Each number lost, once, or twice, and shifted by less than the window.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> arrivals;
    constexpr std::uint32_t kSent = 3000;
    const auto jitter = static_cast<std::uint32_t>(path % 5 == 0 ? 900 : 1 + random() % 20);
    for (std::uint32_t number = 0; number < kSent; ++number) {
      const int copies = random() % 10 == 0 ? 0 : random() % 10 == 0 ? 2 : 1;
      for (int copy = 0; copy < copies; ++copy) {
        arrivals.emplace_back(number + static_cast<std::uint32_t>(random() % jitter), number);
      }
    }
    std::stable_sort(arrivals.begin(), arrivals.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    FlowTally seen;
    TallyModel model;
    for (const auto& [when, number] : arrivals) {
      seen.add(number);
      model.add(number);
    }
    EXPECT_EQ(seen.received(), arrivals.size());
    EXPECT_EQ(seen.distinct(), model.came.size());
    EXPECT_EQ(seen.reordered(), model.reordered);
    EXPECT_EQ(seen.duplicated(), model.duplicated);
    EXPECT_EQ(seen.too_late(), 0U);
    EXPECT_EQ(seen.lost(kSent), kSent - model.came.size());
  }
}

TEST(PktgenLatencyHistogram, IsEmptyAtFirst) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.percentile(0.5), 0U);
  EXPECT_EQ(histogram.min(), 0U);
  EXPECT_EQ(histogram.max(), 0U);
  EXPECT_EQ(histogram.mean(), 0);
}

TEST(PktgenLatencyHistogram, IsExactForShortTimes) {
  LatencyHistogram histogram;
  for (std::uint64_t time = 0; time < 256; ++time) histogram.add(time);
  for (std::uint64_t time = 0; time < 256; ++time) {
    EXPECT_EQ(histogram.percentile(static_cast<double>(time + 1) / 256), time);
  }
}

// Against the percentiles of the sorted times, as the nearest-rank method has them.
TEST(PktgenLatencyHistogram, HasPercentilesWithin128thOfTheExactOnes) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> spread(9, 3);
  for (int round = 0; round < 20; ++round) {
    LatencyHistogram histogram;
    std::vector<std::uint64_t> times(1 + random() % 20'000);
    for (std::uint64_t& time : times) {
      time = static_cast<std::uint64_t>(std::min(spread(random), 2e14));
      histogram.add(time);
    }
    std::sort(times.begin(), times.end());
    for (const double share : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
      const double rank = std::ceil(share * static_cast<double>(times.size()));
      const std::uint64_t exact = times[rank < 1 ? 0 : static_cast<std::size_t>(rank) - 1];
      const std::uint64_t seen = histogram.percentile(share);
      EXPECT_GE(seen, exact) << share;
      EXPECT_LE(static_cast<double>(seen), static_cast<double>(exact) * (1 + 1.0 / 128)) << share;
    }
    EXPECT_EQ(histogram.count(), times.size());
    EXPECT_EQ(histogram.min(), times.front());
    EXPECT_EQ(histogram.max(), times.back());
  }
}

TEST(PktgenLatencyHistogram, PutsEachTimeIntoABucketThatIsNarrowEnough) {
  for (unsigned bit = 0; bit < 48; ++bit) {
    for (const std::int64_t beside : {-1, 0, 1}) {
      const auto time = static_cast<std::uint64_t>((std::int64_t{1} << bit) + beside);
      LatencyHistogram histogram;
      histogram.add(time);
      histogram.for_each_bucket([&](std::uint64_t longest, std::uint64_t count) {
        EXPECT_EQ(count, 1U);
        EXPECT_GE(longest, time);
        EXPECT_LE(longest - time, time / 128);
      });
    }
  }
  LatencyHistogram histogram;
  histogram.add(~0ULL);
  EXPECT_EQ(histogram.percentile(0.5), LatencyHistogram::kLongest);
}

StampedPacket stamped(std::uint32_t run, std::uint32_t flow, std::uint32_t sequence,
                      std::uint64_t time_ns) {
  StampedPacket packet;
  packet.stamp.run = run;
  packet.stamp.flow = flow;
  packet.stamp.sequence = sequence;
  packet.stamp.time_ns = time_ns;
  return packet;
}

TEST(PktgenArrivals, KeepFlowsApart) {
  Arrivals arrivals;
  arrivals.add(stamped(1, 2, 0, 100), 60, 150);
  arrivals.add(stamped(1, 0, 1, 100), 60, 160);
  arrivals.add(stamped(1, 2, 0, 100), 64, 170);
  ASSERT_EQ(arrivals.flows().size(), 3U);
  EXPECT_EQ(arrivals.flows()[0].tally.lost(), 1U);
  EXPECT_EQ(arrivals.flows()[1].tally.received(), 0U);
  EXPECT_EQ(arrivals.flows()[2].tally.duplicated(), 1U);
  EXPECT_EQ(arrivals.received(), 3U);
  EXPECT_EQ(arrivals.distinct(), 2U);
  EXPECT_EQ(arrivals.bytes(), 184U);
  EXPECT_EQ(arrivals.first_ns(), 150U);
  EXPECT_EQ(arrivals.latest_ns(), 170U);
  EXPECT_EQ(arrivals.latency().min(), 50U);
  EXPECT_EQ(arrivals.latency().max(), 70U);
}

TEST(PktgenArrivals, LeaveOtherRunsOut) {
  Arrivals arrivals;
  arrivals.add(stamped(1, 0, 0, 0), 60, 1);
  arrivals.add(stamped(2, 0, 7, 0), 60, 1);
  EXPECT_EQ(arrivals.received(), 1U);
  EXPECT_EQ(arrivals.other_runs(), 1U);
  EXPECT_EQ(arrivals.flows()[0].tally.lost(), 0U);
}

TEST(PktgenArrivals, TakeTheTimeModulo48Bits) {
  Arrivals arrivals;
  arrivals.add(stamped(1, 0, 0, 0xffff'ffff'ff00ULL), 60, 0x7'0000'0000'0100ULL);
  EXPECT_EQ(arrivals.latency().max(), 0x200U);
  arrivals.add(stamped(1, 0, 1, 1000), 60, 999);
  EXPECT_EQ(arrivals.negative_latencies(), 1U);
  EXPECT_EQ(arrivals.latency().count(), 1U);
}

TEST(PktgenArrivals, ShareACountAmongFlowsAsTheSenderDoes) {
  for (const std::uint64_t count : {0ULL, 1ULL, 10ULL, 1001ULL}) {
    std::vector<std::uint64_t> sent(7);
    for (std::uint64_t index = 0; index < count; ++index) ++sent[index % sent.size()];
    for (std::uint64_t flow = 0; flow < sent.size(); ++flow) {
      EXPECT_EQ(sent_of_flow(count, sent.size(), flow), sent[flow]);
    }
  }
}

}  // namespace
}  // namespace afxfw::pktgen
