#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "pktgen/frame_plan.h"
#include "pktgen_packets.h"
#include "util/error.h"

namespace afxfw::pktgen {
namespace {

TEST(PktgenSequential, CoversEveryCombinationOnceBeforeRepeating) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.order = Order::kSequential;
  traffic.source = prefix("198.18.0.0/28");
  traffic.destination = prefix("198.19.0.0/31");
  traffic.source_port = {1000, 1002};
  traffic.destination_port = {80, 81};
  const FramePlan plan = plan_frames(traffic, kSourceMac);
  constexpr std::uint64_t kCombinations = 16ULL * 2 * 3 * 2;
  std::set<Flow> seen;
  for (std::uint64_t index = 0; index < kCombinations; ++index) seen.insert(flow(plan, index));
  EXPECT_EQ(seen.size(), kCombinations);
  EXPECT_EQ(flow(plan, kCombinations), flow(plan, 0));
}

TEST(PktgenSequential, WalksSourceAddressesFirst) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.order = Order::kSequential;
  traffic.source = prefix("198.18.1.0/24");
  const FramePlan plan = plan_frames(traffic, kSourceMac);
  for (unsigned index = 0; index < 256; ++index) {
    EXPECT_EQ(dissect(packet(plan, index)).source,
              (Bytes{198, 18, 1, static_cast<std::uint8_t>(index)}));
  }
  EXPECT_EQ(dissect(packet(plan, 255)).destination, (Bytes{198, 19, 0, 8}));
  EXPECT_EQ(dissect(packet(plan, 256)).destination, (Bytes{198, 19, 0, 9}));
}

TEST(PktgenSequential, WalksTheLow64BitsOfALargeIpv6Range) {
  TrafficOptions traffic = ipv6_traffic();
  traffic.order = Order::kSequential;
  traffic.source = prefix("2001:db8::/32");
  const Bytes source = dissect(packet(traffic, 0x1234567890)).source;
  EXPECT_EQ(source,
            (Bytes{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0x90}));
}

TEST(PktgenRandom, HitsAddressesAndPortsEvenly) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.source = prefix("198.18.0.0/28");
  traffic.source_port = {1000, 1009};
  const FramePlan plan = plan_frames(traffic, kSourceMac);
  std::map<unsigned, int> addresses;
  std::map<unsigned, int> ports;
  constexpr int kPackets = 16'000;
  for (std::uint64_t index = 0; index < kPackets; ++index) {
    const Dissected seen = dissect(packet(plan, index));
    ++addresses[be(seen.source, 0, 4)];
    ++ports[seen.source_port()];
  }
  // Five standard deviations of a binomial distribution: 1000 +- 153, 1600 +- 190.
  EXPECT_EQ(addresses.size(), 16U);
  for (const auto& [address, hits] : addresses) EXPECT_NEAR(hits, 1000, 153);
  EXPECT_EQ(ports.size(), 10U);
  for (const auto& [port, hits] : ports) EXPECT_NEAR(hits, 1600, 190);
}

TEST(PktgenRandom, VariesEveryHostBitOfAnIpv6Range) {
  TrafficOptions traffic = ipv6_traffic();
  traffic.source = prefix("2001:db8::/33");
  traffic.destination = prefix("2001:db8:8000::/33");
  const FramePlan plan = plan_frames(traffic, kSourceMac);
  const pktgen_packet& config = plan.packet;
  pktgen_address ones{0, 0};
  pktgen_address zeros{0, 0};
  pktgen_address same{~0ULL, ~0ULL};
  for (std::uint64_t index = 0; index < 200; ++index) {
    pktgen_fields fields;
    pktgen_packet_fields(&config, index, &fields);
    ones = {ones.high | fields.source.high, ones.low | fields.source.low};
    zeros = {zeros.high | ~fields.source.high, zeros.low | ~fields.source.low};
    same = {same.high & ~(fields.source.high ^ fields.destination.high),
            same.low & ~(fields.source.low ^ fields.destination.low)};
  }
  EXPECT_EQ(ones.high & zeros.high, 0x000000007fffffffULL);
  EXPECT_EQ(ones.low & zeros.low, ~0ULL);
  EXPECT_EQ(same.high, 0xffffffff00000000ULL & ~(1ULL << 31)) << "source and destination differ";
  EXPECT_EQ(same.low, 0U);
}

TEST(PktgenRandom, IsDecidedByTheSeed) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.seed = 1;
  const FramePlan first = plan_frames(traffic, kSourceMac);
  const FramePlan again = plan_frames(traffic, kSourceMac);
  traffic.seed = 2;
  const FramePlan other = plan_frames(traffic, kSourceMac);
  int same = 0;
  for (std::uint64_t index = 0; index < 1000; ++index) {
    EXPECT_EQ(packet(first, index), packet(again, index));
    if (flow(first, index) == flow(other, index)) ++same;
  }
  EXPECT_LT(same, 3);
}

TrafficOptions flow_traffic(Order order, std::uint32_t flows) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.order = order;
  traffic.flows = flows;
  traffic.seed = 5;
  return traffic;
}

TEST(PktgenFlows, TakeTurnsAndAreDistinct) {
  for (const Order order : {Order::kSequential, Order::kRandom}) {
    constexpr std::uint32_t kFlows = 5000;
    const FramePlan plan = plan_frames(flow_traffic(order, kFlows), kSourceMac);
    std::set<Flow> seen;
    for (std::uint64_t index = 0; index < kFlows; ++index) {
      seen.insert(flow(plan, index));
      ASSERT_EQ(flow(plan, index), flow(plan, index + 7ULL * kFlows)) << index;
    }
    EXPECT_EQ(seen.size(), kFlows);
  }
}

TEST(PktgenFlows, InSequentialOrderAreTheFirstCombinations) {
  const FramePlan flows = plan_frames(flow_traffic(Order::kSequential, 100), kSourceMac);
  const FramePlan plain = plan_frames(flow_traffic(Order::kSequential, 0), kSourceMac);
  for (std::uint64_t index = 0; index < 100; ++index) {
    EXPECT_EQ(flow(flows, index), flow(plain, index));
  }
}

TEST(PktgenFlows, InRandomOrderSpreadOverTheRanges) {
  const FramePlan plan = plan_frames(flow_traffic(Order::kRandom, 4096), kSourceMac);
  std::set<unsigned> sources;
  std::set<unsigned> source_ports;
  for (std::uint64_t index = 0; index < 4096; ++index) {
    const auto [source, destination, source_port, destination_port] = flow(plan, index);
    sources.insert(source);
    source_ports.insert(source_port);
  }
  // Of 4096 addresses drawn 4096 times, 1 - 1/e are expected to be hit: 2589 +- 5 * 27.
  EXPECT_NEAR(static_cast<double>(sources.size()), 2589, 135);
  EXPECT_GT(source_ports.size(), 3000U);
}

TEST(PktgenFlows, MayUseUpAllCombinations) {
  TrafficOptions traffic = flow_traffic(Order::kRandom, 24);
  traffic.source = prefix("198.18.0.0/30");
  traffic.destination = prefix("198.19.0.1");
  traffic.source_port = {7, 9};
  traffic.destination_port = {80, 81};
  const FramePlan plan = plan_frames(traffic, kSourceMac);
  std::set<Flow> seen;
  for (std::uint64_t index = 0; index < 24; ++index) seen.insert(flow(plan, index));
  EXPECT_EQ(seen.size(), 24U);
  traffic.flows = 25;
  try {
    static_cast<void>(plan_frames(traffic, kSourceMac));
    ADD_FAILURE() << "25 flows of 24 combinations";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_THAT(error.what(), testing::HasSubstr("make 24 flows, not 25"));
  }
}

TEST(PktgenCombinations, MultiplyAndStopAtTheLargestNumber) {
  TrafficOptions traffic = ipv4_traffic();
  EXPECT_EQ(combinations(traffic), 4096ULL * 8 * 64512 * 8);
  traffic.protocol = Protocol::kIcmp;
  EXPECT_EQ(combinations(traffic), 4096ULL * 8 * 64512) << "an echo has an identifier only";
  EXPECT_EQ(combinations(ipv6_traffic()), ~0ULL);
}

}  // namespace
}  // namespace afxfw::pktgen
