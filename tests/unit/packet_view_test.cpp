#include "net/packet_view.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/packet.h"
#include "packet_view_outcome.h"

namespace afxfw::test {
namespace {

TEST_F(PacketViewTest, Ipv4Tcp) {
  const PacketView view =
      parsed(Ethernet{} / Ipv4{.source = "198.51.100.7", .destination = "203.0.113.9"} /
             Tcp{.source_port = 1234, .destination_port = 443} / Payload(100));
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.version, 4);
  EXPECT_EQ(view.l3_offset, 14);
  EXPECT_EQ(view.l4_offset, 34);
  EXPECT_EQ(view.ip_end, 14u + 20 + 20 + 100);
  EXPECT_EQ(view.l4().size(), 120u);
  EXPECT_EQ(view.protocol, IPPROTO_TCP);
  EXPECT_EQ(view.fragment, Fragment::kNone);
  EXPECT_TRUE(view.has_ports);
  EXPECT_EQ(view.source_port, 1234);
  EXPECT_EQ(view.destination_port, 443);
  EXPECT_EQ(view.vlan_depth, 0);
  EXPECT_EQ(view.ipv4_source(), 0xc6336407u);
  EXPECT_EQ(view.ipv4_destination(), 0xcb007109u);
}

TEST_F(PacketViewTest, Ipv6Udp) {
  const PacketView view =
      parsed(Ethernet{} / Ipv6{.source = "2001:db8:1:2:3:4:5:6", .destination = "2001:db8::9"} /
             Udp{.source_port = 1234, .destination_port = 53} / Payload(3));
  const Ipv6Bits source = static_cast<Ipv6Bits>(0x20010db800010002) << 64 | 0x0003000400050006;
  const Ipv6Bits destination = static_cast<Ipv6Bits>(0x20010db800000000) << 64 | 9;
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.version, 6);
  EXPECT_EQ(view.l3_offset, 14);
  EXPECT_EQ(view.l4_offset, 54);
  EXPECT_EQ(view.ip_end, 14u + 40 + 8 + 3);
  EXPECT_EQ(view.protocol, IPPROTO_UDP);
  EXPECT_TRUE(view.has_ports);
  EXPECT_EQ(view.source_port, 1234);
  EXPECT_EQ(view.destination_port, 53);
  EXPECT_FALSE(view.has_fragment_header);
  EXPECT_TRUE(view.ipv6_source() == source);
  EXPECT_TRUE(view.ipv6_destination() == destination);
}

TEST_F(PacketViewTest, OtherProtocolsHaveNoPorts) {
  const PacketView icmp = parsed(Ethernet{} / Ipv4{} / Icmp{} / Payload(8));
  ASSERT_TRUE(icmp.ok());
  EXPECT_EQ(icmp.protocol, IPPROTO_ICMP);
  EXPECT_FALSE(icmp.has_ports);
  EXPECT_EQ(icmp.destination_port, 0);

  const PacketView gre = parsed(Ethernet{} / Ipv6{.next_header = IPPROTO_GRE});
  ASSERT_TRUE(gre.ok());
  EXPECT_EQ(gre.protocol, IPPROTO_GRE);
  EXPECT_TRUE(gre.l4().empty());
}

TEST_F(PacketViewTest, EncapsulatedIpIsTheUpperProtocol) {
  const PacketView view = parsed(Ethernet{} / Ipv4{} / Ipv4{.source = "203.0.113.1"} / Udp{});
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.protocol, IPPROTO_IPIP);
  EXPECT_EQ(view.ipv4_source(), 0xc6336401u);
  EXPECT_FALSE(view.has_ports);
}

TEST_F(PacketViewTest, AuthenticationHeaderOverIpv4IsTheUpperProtocol) {
  const PacketView view = parsed(Ethernet{} / Ipv4{} / Authentication{} / Udp{});
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.protocol, IPPROTO_AH);
  EXPECT_FALSE(view.has_ports);
}

TEST_F(PacketViewTest, OneVlanTag) {
  const PacketView view =
      parsed(Ethernet{} / Vlan{.id = 5, .priority = 7} / Ipv4{} / Tcp{.destination_port = 22});
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.vlan_depth, 1);
  EXPECT_EQ(view.vlan_ids[0], 5);
  EXPECT_EQ(view.l3_offset, 18);
  EXPECT_EQ(view.l4_offset, 38);
  EXPECT_EQ(view.destination_port, 22);
  EXPECT_EQ(view.ipv4_source(), 0xc6336401u);
}

TEST_F(PacketViewTest, TwoVlanTagsOuterFirst) {
  for (const std::uint16_t outer : std::array<std::uint16_t, 2>{0x88a8, 0x8100}) {
    const PacketView view = parsed(Ethernet{} / Vlan{.id = 100, .tag = outer} / Vlan{.id = 4095} /
                                   Ipv6{} / Udp{.destination_port = 22});
    ASSERT_TRUE(view.ok());
    EXPECT_EQ(view.vlan_depth, 2);
    EXPECT_EQ(view.vlan_ids[0], 100);
    EXPECT_EQ(view.vlan_ids[1], 4095);
    EXPECT_EQ(view.l3_offset, 22);
    EXPECT_EQ(view.destination_port, 22);
  }
}

TEST_F(PacketViewTest, AThirdVlanTagIsMalformed) {
  const Packet packet = Ethernet{} / Vlan{} / Vlan{} / Vlan{} / Ipv4{} / Udp{};
  EXPECT_EQ(outcome_of(packet), malformed(Malformed::kVlanDepth));
}

TEST_F(PacketViewTest, WhatIsNotIp) {
  EXPECT_EQ(outcome_of(Ethernet{} / Arp{}), kNotIp);
  EXPECT_EQ(outcome_of(Ethernet{.type = 0x88cc} / Payload(50)), kNotIp);  // LLDP
  EXPECT_EQ(outcome_of(Ethernet{.type = 0x8864} / Payload(50)), kNotIp);  // PPPoE session
  EXPECT_EQ(outcome_of(Ethernet{.type = 46} / Payload(46)), kNotIp);      // 802.3 length
  EXPECT_EQ(outcome_of(Ethernet{.type = 0x0800 - 1} / Ipv4{}), kNotIp);
  EXPECT_EQ(outcome_of(Packet(Ethernet{})), kNotIp);  // header alone
}

TEST_F(PacketViewTest, WhatIsNotIpKeepsItsVlan) {
  const PacketView view = parsed(Ethernet{} / Vlan{.id = 9} / Arp{});
  EXPECT_EQ(view.status, ParseStatus::kNotIp);
  EXPECT_EQ(view.vlan_depth, 1);
  EXPECT_EQ(view.vlan_ids[0], 9);
}

TEST_F(PacketViewTest, Ipv4OptionsOfEachLength) {
  for (std::size_t size = 0; size <= 40; size += 4) {
    const PacketView view =
        parsed(Ethernet{} / Ipv4{.options = Bytes(size)} / Tcp{.destination_port = 443});
    ASSERT_TRUE(view.ok()) << size;
    EXPECT_EQ(view.l4_offset, 34 + size);
    EXPECT_EQ(view.destination_port, 443);
  }
}

TEST_F(PacketViewTest, Ipv4Version) {
  for (unsigned version = 0; version < 16; ++version) {
    const Packet packet = Ethernet{} / Ipv4{.version = static_cast<std::uint8_t>(version)} / Udp{};
    EXPECT_EQ(outcome_of(packet), version == 4 ? kOk : malformed(Malformed::kIpVersion));
  }
}

TEST_F(PacketViewTest, Ipv6Version) {
  for (unsigned version = 0; version < 16; ++version) {
    const Packet packet = Ethernet{} / Ipv6{.version = static_cast<std::uint8_t>(version)} / Udp{};
    EXPECT_EQ(outcome_of(packet), version == 6 ? kOk : malformed(Malformed::kIpVersion));
  }
}

TEST_F(PacketViewTest, Ipv4HeaderLength) {
  for (unsigned words = 0; words < 5; ++words) {
    const Packet packet =
        Ethernet{} / Ipv4{.header_words = static_cast<std::uint8_t>(words)} / Udp{} / Payload(60);
    EXPECT_EQ(outcome_of(packet), malformed(Malformed::kIpHeaderLength)) << words;
  }
}

TEST_F(PacketViewTest, Ipv4TotalLength) {
  // 20 bytes of header, 4 of options, 12 of a protocol that has no lengths.
  for (unsigned length = 0; length <= 64; ++length) {
    const Packet packet = Ethernet{} /
                          Ipv4{.total_length = static_cast<std::uint16_t>(length),
                               .protocol = IPPROTO_GRE,
                               .options = Bytes(4)} /
                          Payload(12);
    const bool possible = length >= 24 && length <= 36;
    EXPECT_EQ(outcome_of(packet), possible ? kOk : malformed(Malformed::kIpTotalLength)) << length;
  }
}

TEST_F(PacketViewTest, Ipv6PayloadLength) {
  for (unsigned length = 0; length <= 64; ++length) {
    const Packet packet =
        Ethernet{} /
        Ipv6{.payload_length = static_cast<std::uint16_t>(length), .next_header = IPPROTO_GRE} /
        Payload(12);
    EXPECT_EQ(outcome_of(packet), length <= 12 ? kOk : malformed(Malformed::kIpTotalLength))
        << length;
  }
}

TEST_F(PacketViewTest, TheLargestPackets) {
  EXPECT_EQ(parsed(Ethernet{} / Ipv4{} / Udp{} / Payload(65535 - 28)).ip_end, 14u + 65535);
  EXPECT_EQ(parsed(Ethernet{} / Ipv6{} / Udp{} / Payload(65535 - 8)).ip_end, 14u + 40 + 65535);
}

TEST_F(PacketViewTest, EthernetPaddingIsNotPayload) {
  const Bytes frame = padded((Ethernet{} / Ipv4{} / Tcp{}).bytes());
  const PacketView view = parse(frame);
  ASSERT_EQ(frame.size(), 60u);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.l4().size(), 20u);
}

TEST_F(PacketViewTest, EthernetPaddingDoesNotCompleteAHeader) {
  const auto cut_tcp = [](std::uint8_t size) {
    return padded((Ethernet{} / Ipv4{.protocol = IPPROTO_TCP} / Payload(size)).bytes());
  };
  const auto cut_udp = [](std::uint8_t size) {
    return padded((Ethernet{} / Ipv6{.next_header = IPPROTO_UDP} / Payload(size)).bytes());
  };
  for (std::uint8_t size = 0; size < 20; ++size) {
    EXPECT_EQ(outcome_of(cut_tcp(size)), malformed(Malformed::kTruncatedTransport));
  }
  for (std::uint8_t size = 0; size < 8; ++size) {
    EXPECT_EQ(outcome_of(cut_udp(size)), malformed(Malformed::kTruncatedTransport));
  }
}

TEST_F(PacketViewTest, TcpDataOffset) {
  for (unsigned words = 0; words < 16; ++words) {
    const Packet packet =
        Ethernet{} / Ipv4{} / Tcp{.header_words = static_cast<std::uint8_t>(words)} / Payload(12);
    const bool possible = words >= 5 && words <= 8;
    EXPECT_EQ(outcome_of(packet), possible ? kOk : malformed(Malformed::kTransportLength)) << words;
  }
}

TEST_F(PacketViewTest, UdpLength) {
  for (unsigned length = 0; length <= 40; ++length) {
    const auto wire = static_cast<std::uint16_t>(length);
    const Outcome expected =
        length >= 8 && length <= 20 ? kOk : malformed(Malformed::kTransportLength);
    EXPECT_EQ(outcome_of(Ethernet{} / Ipv4{} / Udp{.length = wire} / Payload(12)), expected);
    EXPECT_EQ(outcome_of(Ethernet{} / Ipv6{} / Udp{.length = wire} / Payload(12)), expected);
  }
}

// What nearly all packets are takes a way of its own through the parser, which has to find
// what header by header is found: in every byte of the headers, with every value that
// matters, and at every length.
TEST_F(PacketViewTest, PlainPacketsAreParsedAsAllOthers) {
  const std::array<Packet, 2> packets = {Ethernet{} / Ipv4{} / Tcp{} / Payload(20),
                                         Ethernet{} / Ipv4{} / Udp{} / Payload(32)};
  std::size_t plain = 0;
  const auto expect_same = [&](std::span<const std::byte> frame) {
    plain += detail::is_plain(frame) ? 1 : 0;
    ASSERT_EQ(parse(frame), detail::parse_any(frame));
  };
  for (const Packet& packet : packets) {
    const Bytes original = packet.bytes();
    for (std::size_t length = 0; length <= original.size(); ++length) {
      expect_same({original.data(), length});
    }
    for (std::size_t place = 12; place < 54; ++place) {
      Bytes frame = original;
      for (unsigned value = 0; value < 256; ++value) {
        frame[place] = static_cast<std::byte>(value);
        ASSERT_NO_FATAL_FAILURE(expect_same(frame)) << "byte " << place << " is " << value;
      }
    }
  }
  EXPECT_GT(plain, 1000U);
}

TEST(MalformedNames, OneForEachReason) {
  EXPECT_EQ(name(Malformed::kNone), "none");
  EXPECT_EQ(name(Malformed::kFragmentOverlap), "fragment-overlap");
  EXPECT_EQ(name(Malformed::kTransportLength), "transport-length");
  EXPECT_EQ(kMalformedNames.size(), static_cast<std::size_t>(Malformed::kTransportLength) + 1);
}

}  // namespace
}  // namespace afxfw::test
