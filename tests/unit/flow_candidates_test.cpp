#include "pipeline/flow_candidates.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "harness/packet.h"

namespace afxfw {
namespace {

using test::Bytes;
using test::DestinationOptions;
using test::Ethernet;
using test::FragmentHeader;
using test::Icmp;
using test::Ipv4;
using test::Ipv6;
using test::Packet;
using test::Payload;
using test::Tcp;
using test::Udp;
using test::Vlan;

constexpr std::uint32_t kFlows = 1 << 16;

/// Notes a packet so many times, a batch each; the batches, from 1, in which it was picked.
std::vector<int> picked(FlowCandidates& candidates, const Packet& packet, int times,
                        std::uint64_t generation = 1) {
  const Bytes frame = packet.bytes();
  std::vector<int> batches;
  for (int batch = 1; batch <= times; ++batch) {
    candidates.note(parse(frame), generation);
    if (candidates.ipv4().size() + candidates.ipv6().size() == 1) batches.push_back(batch);
    candidates.clear();
  }
  return batches;
}

TEST(FlowCandidates, AFlowIsPickedAtItsSecondPacketAndNowAndThen) {
  FlowCandidates candidates(kFlows);
  const int between = FlowCandidates::kPacketsBetween;
  EXPECT_EQ(picked(candidates, Ethernet{} / Ipv4{} / Tcp{}, 40),
            (std::vector<int>{2, 2 + between, 2 + 2 * between}));
}

TEST(FlowCandidates, KeysAreAsInThePacket) {
  FlowCandidates candidates(kFlows);
  const Bytes ipv4 = (Ethernet{} / Ipv4{.source = "198.51.100.7", .destination = "192.0.2.9"} /
                      Udp{.source_port = 1000, .destination_port = 443})
                         .bytes();
  const Bytes ipv6 = (Ethernet{} / Ipv6{.source = "2001:db8::7", .destination = "2001:db8::9"} /
                      Tcp{.source_port = 1001, .destination_port = 444})
                         .bytes();
  for (int i = 0; i < 2; ++i) {
    candidates.note(parse(ipv4), 5);
    candidates.note(parse(ipv6), 5);
  }
  ASSERT_EQ(candidates.ipv4().size(), 1U);
  const auto& four = candidates.ipv4().front();
  EXPECT_EQ(four.key.source, inet_addr("198.51.100.7"));
  EXPECT_EQ(four.key.destination, inet_addr("192.0.2.9"));
  EXPECT_EQ(four.key.source_port, htons(1000));
  EXPECT_EQ(four.key.destination_port, htons(443));
  EXPECT_EQ(four.value, 5U * 256 + 17);
  ASSERT_EQ(candidates.ipv6().size(), 1U);
  const auto& six = candidates.ipv6().front();
  in6_addr source{};
  in6_addr destination{};
  inet_pton(AF_INET6, "2001:db8::7", &source);
  inet_pton(AF_INET6, "2001:db8::9", &destination);
  EXPECT_EQ(std::memcmp(six.key.source, &source, sizeof(source)), 0);
  EXPECT_EQ(std::memcmp(six.key.destination, &destination, sizeof(destination)), 0);
  EXPECT_EQ(six.key.source_port, htons(1001));
  EXPECT_EQ(six.key.destination_port, htons(444));
  EXPECT_EQ(six.value, 5U * 256 + 6);
}

TEST(FlowCandidates, UnderNewRulesAFlowIsNew) {
  FlowCandidates candidates(kFlows);
  const Packet packet = Ethernet{} / Ipv4{} / Tcp{};
  EXPECT_EQ(picked(candidates, packet, 5, 1), std::vector<int>{2});
  EXPECT_EQ(picked(candidates, packet, 5, 2), std::vector<int>{2});
}

TEST(FlowCandidates, OnlyPlainTcpAndUdp) {
  FlowCandidates candidates(kFlows);
  const std::vector<Packet> others = {
      Ethernet{} / Ipv4{} / Icmp{},
      Ethernet{} / Ipv4{.protocol = 132} / Payload(12),
      Ethernet{} / Vlan{} / Ipv4{} / Tcp{},
      Ethernet{} / Vlan{} / Ipv6{} / Tcp{},
      Ethernet{} / Ipv4{.options = Bytes(4)} / Tcp{},
      Ethernet{} / Ipv4{.options = Bytes(20)} / Tcp{},
      Ethernet{} / Ipv4{.more_fragments = true} / Tcp{} / Payload(24),
      Ethernet{} / Ipv6{} / DestinationOptions{} / Tcp{},
      Ethernet{} / Ipv6{} / FragmentHeader{} / Udp{},
      Ethernet{} / Ipv4{} / Udp{.length = 7},
  };
  for (const Packet& packet : others) EXPECT_TRUE(picked(candidates, packet, 20).empty());
}

TEST(FlowCandidates, ABatchHasFewAndTheRestComesLater) {
  constexpr int kMany = 100;
  FlowCandidates candidates(kFlows);
  std::vector<Bytes> frames;
  frames.reserve(kMany);
  for (int i = 0; i < kMany; ++i) {
    frames.push_back(
        (Ethernet{} / Ipv4{} / Tcp{.source_port = static_cast<std::uint16_t>(i)}).bytes());
  }
  std::set<std::uint16_t> seen;
  int batches = 0;
  for (; seen.size() < kMany && batches < 1000; ++batches) {
    for (const Bytes& frame : frames) candidates.note(parse(frame), 1);
    ASSERT_LE(candidates.ipv4().size(), FlowCandidates::kMostInBatch);
    for (const auto& flow : candidates.ipv4()) seen.insert(flow.key.source_port);
    candidates.clear();
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kMany)) << "after " << batches << " batches";
}

TEST(FlowCandidates, AFloodOfFlowsWithOnePacketIsNotWorthRemembering) {
  FlowCandidates candidates(kFlows);
  for (int i = 0; i < 200'000; ++i) {
    const std::string source = "10." + std::to_string(i >> 16) + "." +
                               std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255);
    const Bytes frame = (Ethernet{} / Ipv4{.source = source} / Tcp{}).bytes();
    candidates.note(parse(frame), 1);
  }
  EXPECT_TRUE(candidates.ipv4().empty());
}

}  // namespace
}  // namespace afxfw
