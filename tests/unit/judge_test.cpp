#include "replay/judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "harness/packet.h"
#include "pipeline/inline_stage.h"
#include "rules/inline_policy.h"

namespace afxfw::test {
namespace {

class Judge : public testing::Test {
 protected:
  static CompiledRuleSet compile_lists() {
    RuleSetSources sources;
    sources.allowlists.push_back({"allow", "198.51.100.7\n"});
    sources.blocklists.push_back({"block", "198.51.100.0/24\n2001:db8:bad::/48\n"});
    return std::move(*compile(sources, 1));
  }

  [[nodiscard]] Decision decide(const Bytes& frame, std::size_t known_bytes) const {
    Evaluation evaluation(compiled_.rules->counter_slots());
    return judge({*compiled_.rules, policy_}, parse(frame), known_bytes, evaluation);
  }
  [[nodiscard]] Decision decide(const Packet& packet) const {
    const Bytes frame = packet.bytes();
    return decide(frame, frame.size());
  }
  [[nodiscard]] std::uint32_t handle(const Decision& decision) const {
    return compiled_.rules->rules()[decision.verdict.rule].handle;
  }

  CompiledRuleSet compiled_ = compile_lists();
  afxfw_inline_policy policy_ = *parse_inline_policy("udp,tcp/80");
};

TEST_F(Judge, TheInlineStageComesFirst) {
  const Decision decision = decide(Ethernet{} / Ipv4{.source = "198.51.100.7"} / Udp{});
  EXPECT_EQ(decision.kind, Decision::Kind::kDropped) << "be it on the allowlist";
  EXPECT_EQ(decision.outcome, AFXFW_DROP_PROTOCOL);
  EXPECT_FALSE(decision.by_worker());
}

TEST_F(Judge, ThenTheLists) {
  const Decision blocked = decide(Ethernet{} / Ipv4{.source = "198.51.100.8"} / Tcp{});
  EXPECT_EQ(blocked.kind, Decision::Kind::kDropped);
  EXPECT_TRUE(blocked.by_worker());
  EXPECT_EQ(blocked.verdict.reason, DropReason::kBlocklist);
  EXPECT_EQ(handle(blocked), 3u);

  const Decision allowed = decide(Ethernet{} / Ipv4{.source = "198.51.100.7"} / Tcp{});
  EXPECT_EQ(allowed.kind, Decision::Kind::kAccepted);
  EXPECT_EQ(handle(allowed), 1u);

  const Decision other = decide(Ethernet{} / Ipv6{} / Tcp{});
  EXPECT_EQ(other.kind, Decision::Kind::kAccepted);
  EXPECT_EQ(other.verdict.rule, Verdict::kNoRule);
}

TEST_F(Judge, WhatXdpPassesIsAcceptedWithoutTheLists) {
  const Decision arp = decide(Ethernet{} / Arp{.sender = "198.51.100.8"});
  EXPECT_EQ(arp.kind, Decision::Kind::kAccepted);
  EXPECT_FALSE(arp.by_worker());
  const Decision neighbour =
      decide(Ethernet{} / Ipv6{.source = "2001:db8:bad::1", .hop_limit = 255} /
             Icmpv6{.type = 135} / Payload(16));
  EXPECT_EQ(neighbour.kind, Decision::Kind::kAccepted);
  EXPECT_EQ(neighbour.outcome, AFXFW_PASS_NEIGHBOUR);
}

TEST_F(Judge, MalformedIsDropped) {
  const Decision decision = decide(Ethernet{} / Ipv4{.version = 5} / Tcp{});
  EXPECT_EQ(decision.kind, Decision::Kind::kDropped);
  EXPECT_EQ(decision.outcome, AFXFW_DROP_MALFORMED);
}

TEST_F(Judge, TheHeadersOfACutPacketSuffice) {
  const Bytes udp = (Ethernet{} / Ipv4{} / Udp{} / Payload(100)).bytes();
  EXPECT_EQ(decide(udp, 14 + 20 + 8).outcome, AFXFW_DROP_PROTOCOL);
  EXPECT_EQ(decide(udp, 14 + 20 + 7).kind, Decision::Kind::kNotJudged);
  const Bytes tcp = (Ethernet{} / Vlan{} / Ipv6{} / Tcp{} / Payload(100)).bytes();
  EXPECT_EQ(decide(tcp, 18 + 40 + 20).kind, Decision::Kind::kAccepted);
  EXPECT_EQ(decide(tcp, 18 + 40 + 19).kind, Decision::Kind::kNotJudged);
  const Bytes arp = padded((Ethernet{} / Arp{}).bytes());
  EXPECT_EQ(decide(arp, 14).outcome, AFXFW_PASS_NOT_IP);
  EXPECT_EQ(decide(arp, 13).kind, Decision::Kind::kNotJudged);
}

TEST_F(Judge, AShortPacketThatIsWholeIsMalformedNotCutOff) {
  EXPECT_EQ(decide(Bytes(10), 10).outcome, AFXFW_DROP_MALFORMED);
  EXPECT_EQ(decide(Bytes(10), 9).kind, Decision::Kind::kNotJudged);
}

/// Packets of every shape the parser knows.
std::vector<Bytes> shapes() {
  std::vector<Bytes> frames;
  for (const Packet& packet : std::vector<Packet>{
           Ethernet{} / Arp{},
           Ethernet{} / Ipv4{.options = Bytes(16)} / Tcp{.options = Bytes(12)} / Payload(9),
           Ethernet{} / Ipv4{} / Udp{} / Payload(20),
           Ethernet{} / Ipv4{.more_fragments = true} / Udp{} / Payload(24),
           Ethernet{} / Ipv4{.fragment_offset = 1, .protocol = 6} / Payload(24),
           Ethernet{} / Ipv4{.fragment_offset = 9, .protocol = 6} / Payload(24),
           Ethernet{} / Ipv4{} / Icmp{} / Payload(8),
           Ethernet{} / Vlan{} / Vlan{} / Vlan{} / Ipv4{} / Tcp{},
           Ethernet{} / Vlan{} / Vlan{} / Ipv6{} / Tcp{} / Payload(8),
           Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 135} / Payload(16),
           Ethernet{} / Ipv6{} / HopByHop{} / DestinationOptions{} / Routing{} / Tcp{},
           Ethernet{} / Ipv6{} / Authentication{} / Udp{} / Payload(16),
           Ethernet{} / Ipv6{} / FragmentHeader{.more_fragments = true} / Tcp{} / Payload(24),
           Ethernet{} / Ipv6{} / FragmentHeader{.offset = 1, .next_header = 6} / Payload(24),
           Ethernet{} / Ipv6{} / FragmentHeader{.offset = 9, .next_header = 60} / Payload(24),
           Ethernet{} / Ipv6{} / HopByHop{} / HopByHop{} / HopByHop{} / HopByHop{} / HopByHop{} /
               HopByHop{} / HopByHop{} / HopByHop{} / HopByHop{} / Tcp{},
           Ethernet{} / Ipv6{} / HopByHop{.length = 200} / Tcp{},
       }) {
    frames.push_back(packet.bytes());
  }
  return frames;
}

bool same(const PacketView& a, const PacketView& b) {
  return a.status == b.status && a.reason == b.reason && a.version == b.version &&
         a.protocol == b.protocol && a.source_port == b.source_port &&
         a.destination_port == b.destination_port && a.fragment == b.fragment &&
         a.ip_end == b.ip_end && a.l4_offset == b.l4_offset && a.vlan_ids == b.vlan_ids &&
         is_neighbour_discovery(a) == is_neighbour_discovery(b);
}

// Whatever stands behind them, be it the zeros in place of what was cut off or
// the truth: the parser says the same.
TEST(HeaderBytes, AreAllThatTheParserLooksAt) {
  std::mt19937 random(1);
  for (const Bytes& shape : shapes()) {
    for (int i = 0; i < 3000; ++i) {
      Bytes frame = shape;
      for (int changes = i % 4; changes > 0; --changes) {
        frame[random() % frame.size()] = static_cast<std::byte>(random());
      }
      if (i % 5 == 0) frame.resize(random() % (frame.size() + 1));
      const PacketView before = parse(frame);
      const std::size_t headers = header_bytes(before);
      ASSERT_LE(headers, frame.size());
      Bytes other = frame;
      std::generate(other.begin() + static_cast<std::ptrdiff_t>(headers), other.end(),
                    [&] { return static_cast<std::byte>(random()); });
      ASSERT_TRUE(same(before, parse(other)))
          << "status " << static_cast<int>(before.status) << ", reason " << name(before.reason);
    }
  }
}

}  // namespace
}  // namespace afxfw::test
