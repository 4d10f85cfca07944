#include "rules/packet_fields.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/packet.h"
#include "net/prefix.h"
#include "rules/nft_field.h"

namespace afxfw {
namespace {

using test::Arp;
using test::Authentication;
using test::Bytes;
using test::DestinationOptions;
using test::Ethernet;
using test::FragmentHeader;
using test::Icmp;
using test::Icmpv6;
using test::Ipv4;
using test::Ipv6;
using test::Packet;
using test::Payload;
using test::Tcp;
using test::Udp;
using test::Vlan;

constexpr const char* kAbsent = "absent";

// What a frame has in a field: "ip ttl" of "64"; addresses as they are written.
std::string field(const std::string& name, const Bytes& frame) {
  const std::size_t blank = name.find(' ');
  const auto wanted = nft::find_field(name.substr(0, blank), name.substr(blank + 1));
  if (!wanted) return "no such field";
  const auto value = load(*wanted, parse(frame));
  if (!value) return kAbsent;
  if (nft::info(*wanted).type == nft::Type::kIpv4Address) {
    return format_ipv4(static_cast<Ipv4Bits>(*value));
  }
  if (nft::info(*wanted).type == nft::Type::kIpv6Address) return format_ipv6(*value);
  return fmt::format("{:#x}", static_cast<std::uint64_t>(*value));
}

std::string field(const std::string& name, const Packet& packet) {
  return field(name, packet.bytes());
}

const Ethernet kEthernet{.source = "02:00:00:00:00:0a", .destination = "02:00:00:00:00:0b"};
const Ipv4 kIpv4{.source = "192.0.2.1",
                 .destination = "198.51.100.2",
                 .type_of_service = 0xb9,  // EF, and a bit of ECN
                 .dont_fragment = true,
                 .ttl = 9};
const Ipv6 kIpv6{.source = "2001:db8::1",
                 .destination = "2001:db8::2",
                 .traffic_class = 0x2a,  // AF11 with ECN
                 .flow_label = 0xfffff,
                 .hop_limit = 7};
const Tcp kTcp{.source_port = 1001, .destination_port = 1002, .flags = 0xd2};
const Udp kUdp{.source_port = 2001, .destination_port = 2002};

struct Case {
  std::string name;
  Packet packet;
  std::string value;
};

class PacketField : public testing::TestWithParam<Case> {};

TEST_P(PacketField, IsWhatThePacketHasThere) {
  EXPECT_EQ(field(GetParam().name, GetParam().packet), GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Link, PacketField,
    testing::Values(Case{"ether saddr", kEthernet / kIpv4 / kTcp, "0x2000000000a"},
                    Case{"ether daddr", kEthernet / kIpv4 / kTcp, "0x2000000000b"},
                    Case{"ether type", kEthernet / kIpv6 / kTcp, "0x86dd"},
                    Case{"ether type", kEthernet / Arp{}, "0x806"},
                    Case{"ether type", kEthernet / Vlan{} / kIpv4 / kTcp, "0x8100"},
                    Case{"meta protocol", kEthernet / Vlan{} / kIpv4 / kTcp, "0x800"},
                    Case{"meta protocol", kEthernet / Vlan{} / Vlan{} / Arp{}, "0x806"},
                    Case{"meta protocol", kEthernet / kIpv6 / kTcp, "0x86dd"},
                    Case{"vlan id", kEthernet / Vlan{.id = 5} / Vlan{.id = 6} / kIpv4 / kTcp,
                         "0x5"},
                    Case{"vlan id", kEthernet / Vlan{.id = 4095, .priority = 7} / Arp{}, "0xfff"},
                    // As nft: "vlan id" also asks for ether type 8021q.
                    Case{"vlan id", kEthernet / Vlan{.tag = 0x88a8} / kIpv4 / kTcp, kAbsent},
                    Case{"vlan id", kEthernet / kIpv4 / kTcp, kAbsent}));

// What Linux counts at its ingress hook: without the Ethernet header and the first tag.
INSTANTIATE_TEST_SUITE_P(
    Length, PacketField,
    testing::Values(Case{"meta length", kEthernet / kIpv4 / kUdp / Payload(22), "0x32"},
                    Case{"meta length", kEthernet / Vlan{} / kIpv4 / kUdp / Payload(22), "0x32"},
                    Case{"meta length", kEthernet / Vlan{} / Vlan{} / kIpv4 / kUdp / Payload(22),
                         "0x36"},
                    Case{"meta length", kEthernet / Arp{}, "0x1c"},
                    Case{"ip length", kEthernet / kIpv4 / kUdp / Payload(22), "0x32"},
                    Case{"udp length", kEthernet / kIpv4 / kUdp / Payload(22), "0x1e"}));

INSTANTIATE_TEST_SUITE_P(
    Network, PacketField,
    testing::Values(
        Case{"ip saddr", kEthernet / kIpv4 / kTcp, "192.0.2.1"},
        Case{"ip daddr", kEthernet / kIpv4 / kTcp, "198.51.100.2"},
        Case{"ip protocol", kEthernet / kIpv4 / kUdp, "0x11"},
        Case{"ip dscp", kEthernet / kIpv4 / kUdp, "0x2e"},
        Case{"ip ttl", kEthernet / kIpv4 / kUdp, "0x9"},
        Case{"ip frag-off", kEthernet / kIpv4 / kUdp, "0x4000"},
        Case{"ip frag-off",
             kEthernet / Ipv4{.more_fragments = true, .fragment_offset = 5} / Payload(16),
             "0x2005"},
        Case{"ip6 saddr", kEthernet / kIpv6 / kTcp, "2001:db8::1"},
        Case{"ip6 daddr", kEthernet / kIpv6 / kTcp, "2001:db8::2"},
        Case{"ip6 nexthdr", kEthernet / kIpv6 / kTcp, "0x6"},
        Case{"ip6 nexthdr", kEthernet / kIpv6 / DestinationOptions{} / kTcp, "0x3c"},
        Case{"ip6 hoplimit", kEthernet / kIpv6 / kTcp, "0x7"},
        Case{"ip6 dscp", kEthernet / kIpv6 / kTcp, "0xa"},
        Case{"meta l4proto", kEthernet / kIpv4 / kTcp, "0x6"},
        Case{"meta l4proto", kEthernet / kIpv6 / DestinationOptions{} / Authentication{} / kUdp,
             "0x11"},
        Case{"meta l4proto", kEthernet / kIpv4 / Authentication{} / kUdp, "0x33"}));

INSTANTIATE_TEST_SUITE_P(
    Transport, PacketField,
    testing::Values(Case{"tcp sport", kEthernet / kIpv4 / kTcp, "0x3e9"},
                    Case{"tcp dport", kEthernet / kIpv6 / Authentication{} / kTcp, "0x3ea"},
                    Case{"tcp flags", kEthernet / Vlan{} / kIpv4 / kTcp, "0xd2"},
                    Case{"udp sport", kEthernet / kIpv4 / kUdp, "0x7d1"},
                    Case{"udp dport", kEthernet / kIpv6 / FragmentHeader{} / kUdp, "0x7d2"},
                    Case{"th sport", kEthernet / kIpv4 / kUdp, "0x7d1"},
                    Case{"th dport", kEthernet / kIpv6 / kTcp, "0x3ea"},
                    Case{"icmp type", kEthernet / kIpv4 / Icmp{.type = 3, .code = 4}, "0x3"},
                    Case{"icmp code", kEthernet / kIpv4 / Icmp{.type = 3, .code = 4}, "0x4"},
                    Case{"icmpv6 type", kEthernet / kIpv6 / Icmpv6{.type = 1, .code = 3}, "0x1"},
                    Case{"icmpv6 code", kEthernet / kIpv6 / Icmpv6{.type = 1, .code = 3}, "0x3"},
                    // SCTP and its like have ports in the same place.
                    Case{"th dport",
                         kEthernet / Ipv4{.protocol = 132} / Payload(test::hex("00010002 0000")),
                         "0x2"}));

TEST(PacketFields, AreAbsentFromOtherProtocols) {
  const std::vector<std::pair<Packet, std::vector<std::string>>> packets = {
      {kEthernet / kIpv4 / kTcp,
       {"ip6 saddr", "ip6 daddr", "ip6 nexthdr", "ip6 hoplimit", "ip6 dscp", "udp sport",
        "udp dport", "udp length", "icmp type", "icmp code", "icmpv6 type", "icmpv6 code"}},
      {kEthernet / kIpv6 / kUdp,
       {"ip saddr", "ip daddr", "ip protocol", "ip dscp", "ip ttl", "ip length", "ip frag-off",
        "tcp sport", "tcp dport", "tcp flags", "icmp type", "icmpv6 type"}},
      {kEthernet / Arp{},
       {"ip saddr", "ip6 saddr", "ip protocol", "ip6 nexthdr", "meta l4proto", "tcp dport",
        "th sport", "th dport", "icmp type", "icmpv6 type"}},
      // Each version has its own ICMP.
      {kEthernet / Ipv4{.protocol = 58} / Payload(8), {"icmp type", "icmpv6 type"}},
      {kEthernet / Ipv6{.next_header = 1} / Payload(8), {"icmp type", "icmpv6 type"}}};
  for (const auto& [packet, names] : packets) {
    for (const std::string& name : names) EXPECT_EQ(field(name, packet), kAbsent) << name;
  }
}

TEST(PacketFields, OfTheUpperHeaderAreAbsentFromLaterFragments) {
  for (const Packet& whole :
       {kEthernet / kIpv4 / kUdp / Payload(64), kEthernet / kIpv6 / kUdp / Payload(64)}) {
    const auto parts = fragments(whole, 32);
    for (const char* name : {"udp sport", "udp dport", "udp length", "th sport", "th dport"}) {
      EXPECT_NE(field(name, parts.front()), kAbsent) << name;
      EXPECT_EQ(field(name, parts.back()), kAbsent) << name;
    }
    EXPECT_EQ(field("meta l4proto", parts.back()), "0x11");
  }
  const auto icmp = fragments(kEthernet / kIpv4 / Icmp{} / Payload(64), 32);
  EXPECT_EQ(field("icmp type", icmp.back()), kAbsent);
}

// Behind the headers that come with each fragment there is one more, in the first
// fragment only: what the packet carries, later ones do not say.
TEST(PacketFields, AreAbsentWhereALaterFragmentDoesNotTellTheProtocol) {
  const auto parts = fragments(kEthernet / kIpv6 / DestinationOptions{} / kUdp / Payload(64), 32);
  EXPECT_EQ(field("meta l4proto", parts.front()), "0x11");
  EXPECT_EQ(field("meta l4proto", parts.back()), kAbsent);
}

TEST(PacketFields, OfPortsNeedRoomForBothPorts) {
  const auto with = [](std::size_t size) {
    return kEthernet / Ipv4{.protocol = 132} / Payload(size);
  };
  for (const char* name : {"th sport", "th dport"}) {
    EXPECT_NE(field(name, with(4)), kAbsent) << name;
    EXPECT_EQ(field(name, with(3)), kAbsent) << name;
    EXPECT_EQ(field(name, with(0)), kAbsent) << name;
  }
}

// nft reads up to the end of the frame, not of the packet.
TEST(PacketFields, MayLieInThePadding) {
  const Bytes frame = test::padded((kEthernet / Ipv4{.protocol = 132} / Payload(0)).bytes());
  EXPECT_EQ(field("th dport", frame), "0x0");
  EXPECT_EQ(field("meta length", frame), "0x2e") << "padding counts";
  EXPECT_EQ(field("ip length", frame), "0x14");
}

}  // namespace
}  // namespace afxfw
