#include "pipeline/space_saving.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <tuple>
#include <utility>

namespace afxfw {
namespace {

DroppedSource ipv4(Ipv4Bits address) { return {address, 4, DropReason::kBlocklist}; }

struct Less {
  bool operator()(const DroppedSource& a, const DroppedSource& b) const {
    return std::tie(a.version, a.address, a.reason) < std::tie(b.version, b.address, b.reason);
  }
};
using ExactCounts = std::map<DroppedSource, std::uint64_t, Less>;

// The three promises of the paper.
void expect_promises_kept(const SpaceSaving& sketch, const ExactCounts& exact) {
  std::uint64_t total = 0;
  for (const auto& [source, packets] : exact) total += packets;
  ASSERT_EQ(sketch.total(), total);
  const std::uint64_t bound = total / sketch.capacity();
  EXPECT_LE(sketch.most_missed(), bound);
  ExactCounts missing = exact;
  for (const SpaceSaving::Counter& counter : sketch.counters()) {
    ASSERT_TRUE(exact.contains(counter.source)) << "a source that never sent anything";
    const std::uint64_t packets = exact.at(counter.source);
    ASSERT_LE(counter.packets - counter.error, packets);
    ASSERT_LE(packets, counter.packets);
    ASSERT_LE(counter.error, bound);
    ASSERT_EQ(missing.erase(counter.source), 1U) << "a source with two counters";
  }
  for (const auto& [source, packets] : missing) {
    ASSERT_LE(packets, bound);
    ASSERT_LE(packets, sketch.most_missed());
  }
}

using Random = std::mt19937;

struct Stream {
  const char* name;
  std::function<DroppedSource(Random&, std::size_t)> source;  // of packet number i
};

const Stream kStreams[] = {
    {"skewed, as in real traffic",
     [](Random& random, std::size_t) {
       const double uniform = std::uniform_real_distribution<>(1e-6, 1)(random);
       return ipv4(static_cast<Ipv4Bits>(std::min(1 / uniform, 1e5)));
     }},
    {"spoofed: nearly all different",
     [](Random& random, std::size_t) { return ipv4(static_cast<Ipv4Bits>(random())); }},
    {"one among the spoofed",
     [](Random& random, std::size_t i) {
       return ipv4(i % 10 == 9 ? 7 : static_cast<Ipv4Bits>(random()));
     }},
    {"in turn, one more than there are counters",
     [](Random&, std::size_t i) { return ipv4(static_cast<Ipv4Bits>(i % 17)); }},
    {"one after the other",
     [](Random&, std::size_t i) { return ipv4(static_cast<Ipv4Bits>(i / 100)); }},
    {"of both families, for several reasons",
     [](Random& random, std::size_t) {
       const Ipv6Bits host = random() % 40;
       const auto reason = random() % 2 == 0 ? DropReason::kBlocklist : DropReason::kRule;
       if (random() % 3 == 0) return DroppedSource{host, 4, reason};
       return DroppedSource{(random() % 3 == 0 ? Ipv6Bits{host} << 100U : 0) + host, 6, reason};
     }},
};

TEST(SpaceSaving, KeepsItsPromisesAtAnyMoment) {
  Random random(1);
  for (const Stream& stream : kStreams) {
    for (const std::size_t capacity : {1U, 2U, 16U, 256U}) {
      for (const bool weighted : {false, true}) {
        SCOPED_TRACE(testing::Message() << stream.name << ", " << capacity << " counters"
                                        << (weighted ? ", weighted" : ""));
        SpaceSaving sketch(capacity, random());
        ExactCounts exact;
        for (std::size_t i = 0; i < 5'000; ++i) {
          const DroppedSource source = stream.source(random, i);
          const std::uint64_t packets = weighted && random() % 4 != 0 ? 64 : 1;
          sketch.count(source, packets);
          exact[source] += packets;
          if (i % 499 == 0) expect_promises_kept(sketch, exact);
        }
        expect_promises_kept(sketch, exact);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(SpaceSaving, IsExactWhileThereIsACounterForEach) {
  SpaceSaving sketch(256, 1);
  for (std::uint32_t round = 0; round < 10; ++round) {
    for (Ipv4Bits address = 0; address < 256; ++address) sketch.count(ipv4(address), address + 1);
  }
  ASSERT_EQ(sketch.counters().size(), 256U);
  for (const SpaceSaving::Counter& counter : sketch.counters()) {
    EXPECT_EQ(counter.packets, 10 * (counter.source.address + 1));
    EXPECT_EQ(counter.error, 0U);
  }
}

TEST(SpaceSaving, TellsFamiliesAndReasonsApart) {
  SpaceSaving sketch(8, 1);
  sketch.count({7, 4, DropReason::kBlocklist}, 1);
  sketch.count({7, 6, DropReason::kBlocklist}, 2);
  sketch.count({7, 4, DropReason::kRule}, 4);
  sketch.count({Ipv6Bits{1} << 64U | 7, 6, DropReason::kBlocklist}, 8);
  EXPECT_EQ(sketch.counters().size(), 4U);
}

TEST(SpaceSaving, ClearedIsAsNew) {
  SpaceSaving sketch(4, 1);
  for (Ipv4Bits address = 0; address < 100; ++address) sketch.count(ipv4(address), 1);
  EXPECT_NE(sketch.most_missed(), 0U);
  sketch.clear();
  EXPECT_TRUE(sketch.counters().empty());
  EXPECT_EQ(sketch.total(), 0U);
  EXPECT_EQ(sketch.most_missed(), 0U);
  sketch.count(ipv4(5), 3);
  ASSERT_EQ(sketch.counters().size(), 1U);
  EXPECT_EQ(sketch.counters().front().source, ipv4(5));
  EXPECT_EQ(sketch.counters().front().packets, 3U);
}

}  // namespace
}  // namespace afxfw
