#include "pipeline/inline_stage.h"

#include <gtest/gtest.h>

#include <utility>

#include "harness/packet.h"
#include "rules/inline_policy.h"

// What --inline-drop promises, packet by packet. That the XDP program does the
// same is shown in tests/bpf.
namespace afxfw::test {
namespace {

afxfw_outcome outcome(const char* policy, const Bytes& frame) {
  const auto parsed = parse_inline_policy(policy);
  EXPECT_TRUE(parsed.has_value()) << policy;
  return inline_outcome(*parsed, parse(frame));
}

afxfw_outcome outcome(const char* policy, const Packet& packet) {
  return outcome(policy, packet.bytes());
}

TEST(InlineStage, TheDefaultDropsUdpAndTcpToPort80) {
  const char* policy = "udp,tcp/80";
  EXPECT_EQ(outcome(policy, Ethernet{} / Ipv4{} / Udp{}), AFXFW_DROP_PROTOCOL);
  EXPECT_EQ(outcome(policy, Ethernet{} / Ipv6{} / Udp{}), AFXFW_DROP_PROTOCOL);
  EXPECT_EQ(outcome(policy, Ethernet{} / Ipv4{} / Tcp{.destination_port = 80}), AFXFW_DROP_PORT);
  EXPECT_EQ(outcome(policy, Ethernet{} / Ipv6{} / Tcp{.destination_port = 80}), AFXFW_DROP_PORT);
  EXPECT_EQ(outcome(policy, Ethernet{} / Ipv4{} / Tcp{.destination_port = 81}), AFXFW_REDIRECT);
  EXPECT_EQ(outcome(policy, Ethernet{} / Ipv4{} / Tcp{.source_port = 80}), AFXFW_REDIRECT)
      << "only destination ports count";
  EXPECT_EQ(outcome(policy, Ethernet{} / Ipv4{} / Icmp{}), AFXFW_REDIRECT);
}

TEST(InlineStage, NoneRedirectsAllIp) {
  EXPECT_EQ(outcome("none", Ethernet{} / Ipv4{} / Udp{}), AFXFW_REDIRECT);
  EXPECT_EQ(outcome("none", Ethernet{} / Ipv6{} / Tcp{.destination_port = 80}), AFXFW_REDIRECT);
}

TEST(InlineStage, PortsAreThoseOfTheirProtocol) {
  EXPECT_EQ(outcome("tcp/53", Ethernet{} / Ipv4{} / Udp{.destination_port = 53}), AFXFW_REDIRECT);
  EXPECT_EQ(outcome("udp/53", Ethernet{} / Ipv4{} / Tcp{.destination_port = 53}), AFXFW_REDIRECT);
  for (const auto& [port, expected] :
       {std::pair(7999, AFXFW_REDIRECT), std::pair(8000, AFXFW_DROP_PORT),
        std::pair(8080, AFXFW_DROP_PORT), std::pair(8081, AFXFW_REDIRECT)}) {
    const Udp udp{.destination_port = static_cast<std::uint16_t>(port)};
    EXPECT_EQ(outcome("udp/8000-8080", Ethernet{} / Ipv4{} / udp), expected) << port;
  }
  for (const std::uint16_t port : {std::uint16_t{0}, std::uint16_t{65535}}) {
    EXPECT_EQ(outcome("tcp/0,tcp/65535", Ethernet{} / Ipv4{} / Tcp{.destination_port = port}),
              AFXFW_DROP_PORT)
        << port;
  }
}

TEST(InlineStage, SeesThroughTagsAndExtensionHeaders) {
  EXPECT_EQ(outcome("udp", Ethernet{} / Vlan{} / Vlan{} / Ipv4{} / Udp{}), AFXFW_DROP_PROTOCOL);
  EXPECT_EQ(outcome("tcp/80", Ethernet{} / Ipv6{} / HopByHop{} / DestinationOptions{} /
                                  Tcp{.destination_port = 80}),
            AFXFW_DROP_PORT);
}

TEST(InlineStage, AFragmentHasAProtocolButOnlyTheFirstHasPorts) {
  const Packet first = Ethernet{} / Ipv4{.more_fragments = true} / Udp{} / Payload(24);
  const Packet later = Ethernet{} / Ipv4{.fragment_offset = 4, .protocol = 17} / Payload(24);
  EXPECT_EQ(outcome("udp", first), AFXFW_DROP_PROTOCOL);
  EXPECT_EQ(outcome("udp", later), AFXFW_DROP_PROTOCOL);
  EXPECT_EQ(outcome("udp/53", first), AFXFW_DROP_PORT);
  EXPECT_EQ(outcome("udp/0-65535", later), AFXFW_REDIRECT);
}

TEST(InlineStage, ALaterFragmentOfUnknownProtocolIsNobodysProtocol) {
  const Packet later =
      Ethernet{} / Ipv6{} / FragmentHeader{.offset = 9, .next_header = 60} / Payload(24);
  EXPECT_EQ(outcome("udp,tcp,60,0", later), AFXFW_REDIRECT);
}

TEST(InlineStage, PassesWhatKeepsAHostOnItsLink) {
  EXPECT_EQ(outcome("udp,tcp", Ethernet{} / Arp{}), AFXFW_PASS_NOT_IP);
  EXPECT_EQ(
      outcome("icmpv6", Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 135} / Payload(16)),
      AFXFW_PASS_NEIGHBOUR)
      << "before any policy";
  EXPECT_EQ(
      outcome("icmpv6", Ethernet{} / Ipv6{.hop_limit = 64} / Icmpv6{.type = 135} / Payload(16)),
      AFXFW_DROP_PROTOCOL)
      << "came through a router";
}

TEST(InlineStage, MalformedComesBeforeThePolicy) {
  EXPECT_EQ(outcome("udp", Ethernet{} / Ipv4{} / Udp{.length = 7}), AFXFW_DROP_MALFORMED);
  EXPECT_EQ(outcome("none", Bytes(13)), AFXFW_DROP_MALFORMED);
}

}  // namespace
}  // namespace afxfw::test
