#include "net/packet_view.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "harness/packet.h"

namespace afxfw::test {
namespace {

/// A copy of exactly the right size, so that ASan sees a read past its end.
Bytes first_bytes(const Bytes& frame, std::size_t count) {
  return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(count)};
}

/// What parse() says of a frame, without the view's pointer into it.
struct Outcome {
  ParseStatus status;
  Malformed reason;
  bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << static_cast<int>(outcome.status) << "/" << name(outcome.reason);
}

constexpr Outcome kOk{ParseStatus::kOk, Malformed::kNone};
constexpr Outcome kNotIp{ParseStatus::kNotIp, Malformed::kNone};

constexpr Outcome malformed(Malformed reason) { return {ParseStatus::kMalformed, reason}; }

Outcome outcome_of(const Bytes& frame) {
  const PacketView view = parse(frame);
  return {view.status, view.reason};
}

Outcome outcome_of(const Packet& packet) { return outcome_of(packet.bytes()); }

/// parse() of frames that live as long as the test.
class PacketViewTest : public testing::Test {
 protected:
  PacketView parsed(const Packet& packet) {
    frames_.push_back(packet.bytes());
    return parse(frames_.back());
  }

 private:
  std::vector<Bytes> frames_;
};

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

TEST_F(PacketViewTest, EachExtensionHeader) {
  const std::vector<std::pair<Layer, std::size_t>> headers = {
      {HopByHop{}, 8},
      {HopByHop{.options = Bytes(7)}, 16},
      {DestinationOptions{}, 8},
      {DestinationOptions{.options = Bytes(2046)}, 2048},
      {Routing{}, 8},
      {Routing{.segments_left = 1, .data = Bytes(20)}, 24},
      {Authentication{}, 24},
      {FragmentHeader{}, 8},
      {FragmentHeader{.reserved = 0xff}, 8},  // where the others have their length
  };
  for (const auto& [header, size] : headers) {
    const PacketView view =
        parsed(Ethernet{} / Ipv6{} / header / Tcp{.destination_port = 443} / Payload(9));
    ASSERT_TRUE(view.ok());
    EXPECT_EQ(view.l4_offset, 54 + size);
    EXPECT_EQ(view.protocol, IPPROTO_TCP);
    EXPECT_EQ(view.destination_port, 443);
    EXPECT_EQ(view.fragment, Fragment::kNone);
  }
}

TEST_F(PacketViewTest, ExtensionHeadersInTheOrderOfRfc8200) {
  const PacketView view = parsed(Ethernet{} / Vlan{} / Ipv6{} / HopByHop{} / DestinationOptions{} /
                                 Routing{} / FragmentHeader{} / Authentication{} /
                                 DestinationOptions{} / Udp{.destination_port = 123});
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.l4_offset, 18 + 40 + 5 * 8 + 24);
  EXPECT_EQ(view.destination_port, 123);
  EXPECT_TRUE(view.has_fragment_header);
}

TEST_F(PacketViewTest, AtMostEightExtensionHeaders) {
  Packet packet = Ethernet{} / Ipv6{};
  for (int count = 0; count <= 10; ++count) {
    const Outcome expected = count <= 8 ? kOk : malformed(Malformed::kExtensionHeaders);
    EXPECT_EQ(outcome_of(packet / Udp{}), expected) << count;
    packet /= DestinationOptions{};
  }
}

TEST_F(PacketViewTest, AnExtensionHeaderThatLeavesThePacket) {
  const auto expected = malformed(Malformed::kTruncatedExtension);
  EXPECT_EQ(outcome_of(Ethernet{} / Ipv6{} / HopByHop{.length = 255} / Udp{} / Payload(100)),
            expected);
  EXPECT_EQ(outcome_of(Ethernet{} / Ipv6{} / Authentication{.length = 255} / Udp{} / Payload(100)),
            expected);
  // The frame has the bytes, the packet doesn't: they are padding.
  EXPECT_EQ(outcome_of(Ethernet{} / Ipv6{.payload_length = 8} / Routing{.length = 1} / Udp{} /
                       Payload(100)),
            expected);
  EXPECT_EQ(outcome_of(Ethernet{} / Ipv6{.payload_length = 0} / HopByHop{} / Udp{}), expected);
}

TEST_F(PacketViewTest, NoNextHeader) {
  const PacketView view = parsed(Ethernet{} / Ipv6{} / HopByHop{});
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.protocol, IPPROTO_NONE);
}

TEST_F(PacketViewTest, EncryptedPayloadIsTheUpperProtocol) {
  const PacketView view = parsed(Ethernet{} / Ipv6{.next_header = IPPROTO_ESP} / Payload(40));
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.protocol, IPPROTO_ESP);
}

TEST_F(PacketViewTest, Ipv4Fragments) {
  const std::vector<Packet> pieces =
      fragments(Ethernet{} / Ipv4{} / Udp{.destination_port = 53} / Payload(100), 48);
  ASSERT_EQ(pieces.size(), 3u);
  const PacketView first = parsed(pieces[0]);
  ASSERT_TRUE(first.ok());  // although the UDP length exceeds this fragment
  EXPECT_EQ(first.fragment, Fragment::kFirst);
  EXPECT_TRUE(first.has_ports);
  EXPECT_EQ(first.destination_port, 53);
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    const PacketView later = parsed(pieces[i]);
    ASSERT_TRUE(later.ok());
    EXPECT_EQ(later.fragment, Fragment::kLater);
    EXPECT_EQ(later.protocol, IPPROTO_UDP);
    EXPECT_FALSE(later.has_ports);
    EXPECT_EQ(later.destination_port, 0);
    EXPECT_FALSE(later.has_fragment_header);
  }
}

TEST_F(PacketViewTest, Ipv6Fragments) {
  const std::vector<Packet> pieces =
      fragments(Ethernet{} / Ipv6{} / HopByHop{} / Tcp{.destination_port = 443} / Payload(100), 48);
  ASSERT_EQ(pieces.size(), 3u);
  const PacketView first = parsed(pieces[0]);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first.fragment, Fragment::kFirst);
  EXPECT_TRUE(first.has_fragment_header);
  EXPECT_EQ(first.destination_port, 443);
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    const PacketView later = parsed(pieces[i]);
    ASSERT_TRUE(later.ok());
    EXPECT_EQ(later.fragment, Fragment::kLater);
    EXPECT_EQ(later.protocol, IPPROTO_TCP);
    EXPECT_FALSE(later.has_ports);
  }
}

TEST_F(PacketViewTest, ALaterFragmentOfAnExtensionHeaderHasNoKnownProtocol) {
  const std::vector<Packet> pieces =
      fragments(Ethernet{} / Ipv6{} / DestinationOptions{} / Udp{} / Payload(100), 64);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(parsed(pieces[0]).protocol, IPPROTO_UDP);
  EXPECT_EQ(parsed(pieces[1]).protocol, PacketView::kProtocolUnknown);
  EXPECT_EQ(parsed(pieces[1]).fragment, Fragment::kLater);
}

TEST_F(PacketViewTest, DontFragmentIsNoFragment) {
  EXPECT_EQ(parsed(Ethernet{} / Ipv4{.dont_fragment = true} / Udp{}).fragment, Fragment::kNone);
}

TEST_F(PacketViewTest, AnAtomicFragmentIsAWholePacket) {
  const PacketView view = parsed(Ethernet{} / Ipv6{} / FragmentHeader{} / Udp{});
  EXPECT_EQ(view.fragment, Fragment::kNone);
  EXPECT_TRUE(view.has_fragment_header);
  EXPECT_EQ(outcome_of(Ethernet{} / Ipv6{} / FragmentHeader{} / Udp{.length = 9}),
            malformed(Malformed::kTransportLength));
}

TEST_F(PacketViewTest, AFirstFragmentMustHaveTheTransportHeader) {
  const auto expected = malformed(Malformed::kTruncatedTransport);
  EXPECT_EQ(
      outcome_of(Ethernet{} / Ipv4{.more_fragments = true, .protocol = IPPROTO_TCP} / Payload(16)),
      expected);
  EXPECT_EQ(
      outcome_of(Ethernet{} / Ipv6{} /
                 FragmentHeader{.more_fragments = true, .next_header = IPPROTO_TCP} / Payload(8)),
      expected);
  EXPECT_EQ(outcome_of(Ethernet{} / Ipv4{.more_fragments = true} / Tcp{.header_words = 8}),
            malformed(Malformed::kTransportLength));
}

TEST_F(PacketViewTest, AFirstFragmentMustHaveTheWholeHeaderChain) {  // RFC 7112
  EXPECT_EQ(outcome_of(Ethernet{} / Ipv6{} / FragmentHeader{.more_fragments = true} /
                       DestinationOptions{.length = 1}),
            malformed(Malformed::kTruncatedExtension));
}

TEST_F(PacketViewTest, ATcpFragmentAtOffsetOneIsMalformed) {
  for (const bool more : {false, true}) {
    EXPECT_EQ(
        outcome_of(Ethernet{} /
                   Ipv4{.more_fragments = more, .fragment_offset = 1, .protocol = IPPROTO_TCP} /
                   Payload(24)),
        malformed(Malformed::kFragmentOverlap));
    EXPECT_EQ(
        outcome_of(Ethernet{} / Ipv6{} /
                   FragmentHeader{.offset = 1, .more_fragments = more, .next_header = IPPROTO_TCP} /
                   Payload(24)),
        malformed(Malformed::kFragmentOverlap));
  }
  for (const std::uint16_t offset : std::array<std::uint16_t, 3>{2, 3, 0x1fff}) {
    EXPECT_EQ(outcome_of(Ethernet{} / Ipv4{.fragment_offset = offset, .protocol = IPPROTO_TCP} /
                         Payload(24)),
              kOk);
    EXPECT_EQ(
        outcome_of(Ethernet{} / Ipv6{} /
                   FragmentHeader{.offset = offset, .next_header = IPPROTO_TCP} / Payload(24)),
        kOk);
  }
  EXPECT_EQ(
      outcome_of(Ethernet{} / Ipv4{.fragment_offset = 1, .protocol = IPPROTO_UDP} / Payload(24)),
      kOk);
}

TEST_F(PacketViewTest, NeighbourDiscovery) {
  const auto is_nd = [this](const Packet& packet) {
    return is_neighbour_discovery(parsed(packet));
  };
  for (unsigned type = 0; type < 256; ++type) {
    const Icmpv6 message{.type = static_cast<std::uint8_t>(type)};
    const bool expected = type >= 133 && type <= 137;
    EXPECT_EQ(is_nd(Ethernet{} / Ipv6{.hop_limit = 255} / message / Payload(16)), expected) << type;
  }
  const Icmpv6 solicitation{.type = 135};
  EXPECT_TRUE(is_nd(Ethernet{} / Vlan{} / Ipv6{.hop_limit = 255} / HopByHop{} / solicitation));
  EXPECT_FALSE(is_nd(Ethernet{} / Ipv6{.hop_limit = 254} / solicitation / Payload(16)));
  EXPECT_FALSE(is_nd(Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 135, .code = 1}));
  EXPECT_FALSE(is_nd(Ethernet{} / Ipv6{.hop_limit = 255} / FragmentHeader{} / solicitation));
  EXPECT_FALSE(is_nd(Ethernet{} / Ipv6{.next_header = IPPROTO_ICMPV6, .hop_limit = 255} /
                     Payload(hex("87 00 00 00 00 00 00"))));
  EXPECT_FALSE(is_nd(Ethernet{} / Ipv6{.next_header = IPPROTO_TCP, .hop_limit = 255} /
                     Payload(hex("87 00 00 00 00 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00"))));
  EXPECT_FALSE(is_nd(Ethernet{} / Ipv4{.ttl = 255, .protocol = IPPROTO_ICMPV6} / solicitation));
  EXPECT_FALSE(is_nd(Ethernet{} / Arp{}));
}

struct Truncated {
  std::string name;
  Packet packet;
  std::size_t l3_offset;
  std::size_t l3_header;
};

class Truncation : public testing::TestWithParam<Truncated> {};

TEST_P(Truncation, AtEachLengthOfTheFrame) {
  const Truncated& p = GetParam();
  const Bytes whole = p.packet.bytes();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Malformed expected = length < p.l3_offset                 ? Malformed::kTruncatedEthernet
                               : length < p.l3_offset + p.l3_header ? Malformed::kTruncatedIp
                                                                    : Malformed::kIpTotalLength;
    EXPECT_EQ(outcome_of(first_bytes(whole, length)), malformed(expected)) << length;
  }
  EXPECT_EQ(outcome_of(whole), kOk);
}

INSTANTIATE_TEST_SUITE_P(
    PacketView, Truncation,
    testing::Values(
        Truncated{"ipv4_tcp", Ethernet{} / Ipv4{} / Tcp{} / Payload(5), 14, 20},
        Truncated{"ipv4_options_udp", Ethernet{} / Ipv4{.options = Bytes(40)} / Udp{}, 14, 20},
        Truncated{"vlan_ipv4_udp", Ethernet{} / Vlan{} / Ipv4{} / Udp{} / Payload(5), 18, 20},
        Truncated{"qinq_ipv6_tcp", Ethernet{} / Vlan{.tag = 0x88a8} / Vlan{} / Ipv6{} / Tcp{}, 22,
                  40},
        Truncated{"ipv6_extensions",
                  Ethernet{} / Ipv6{} / HopByHop{} / Routing{} / FragmentHeader{} /
                      Authentication{} / DestinationOptions{} / Udp{},
                  14, 40},
        Truncated{"ipv4_later_fragment",
                  Ethernet{} / Ipv4{.fragment_offset = 5, .protocol = IPPROTO_TCP} / Payload(9), 14,
                  20},
        Truncated{"ipv6_icmp", Ethernet{} / Ipv6{} / Icmpv6{} / Payload(5), 14, 40}),
    [](const auto& test) { return test.param.name; });

TEST(Truncation, OfAnIpPacketWhoseLengthSaysSo) {
  // The frame goes on, as padding; only the packet is short.
  const Packet upper =
      Ethernet{} / DestinationOptions{.options = Bytes(10)} / Authentication{} / Tcp{} / Payload(5);
  const std::size_t chain = 16 + 24;
  for (std::size_t length = 0; length <= chain + 25; ++length) {
    Packet packet = Ethernet{} / Ipv6{.payload_length = static_cast<std::uint16_t>(length)};
    for (std::size_t i = 1; i < upper.layers().size(); ++i) packet /= upper.layers()[i];
    const Outcome expected = length < chain        ? malformed(Malformed::kTruncatedExtension)
                             : length < chain + 20 ? malformed(Malformed::kTruncatedTransport)
                                                   : kOk;
    EXPECT_EQ(outcome_of(packet), expected) << length;
  }
}

TEST(Truncation, OfWhatIsNotIp) {
  const Bytes arp = (Ethernet{} / Vlan{} / Arp{}).bytes();
  for (std::size_t length = 0; length <= arp.size(); ++length) {
    const Outcome expected = length < 18 ? malformed(Malformed::kTruncatedEthernet) : kNotIp;
    EXPECT_EQ(outcome_of(first_bytes(arp, length)), expected) << length;
  }
}

/// Whatever the bytes: no read outside the frame (ASan sees it), and a view that
/// points into it.
TEST(RandomBytes, GiveAViewInsideTheFrame) {
  std::mt19937_64 random(20240607);
  const std::vector<Bytes> heads = {{},
                                    hex("020000000002 020000000001 0800 45"),
                                    hex("020000000002 020000000001 86dd 60"),
                                    hex("020000000002 020000000001 8100 0005 0800 46"),
                                    hex("020000000002 020000000001 86dd 60000000 0060 00 ff")};
  for (int i = 0; i < 200'000; ++i) {
    Bytes frame(random() % 160);
    for (std::byte& byte : frame) byte = static_cast<std::byte>(random());
    const Bytes& head = heads[random() % heads.size()];
    std::memcpy(frame.data(), head.data(), std::min(frame.size(), head.size()));
    // Few random lengths fit: help every other frame.
    if (i % 2 == 0 && frame.size() > 20) frame[16] = frame[18] = std::byte{0};
    const PacketView view = parse(frame);
    ASSERT_EQ(view.status == ParseStatus::kMalformed, view.reason != Malformed::kNone);
    if (!view.ok()) continue;
    ASSERT_LT(view.l3_offset, view.l4_offset);
    ASSERT_LE(view.l4_offset, view.ip_end);
    ASSERT_LE(view.ip_end, frame.size());
    static_cast<void>(is_neighbour_discovery(view));
  }
}

TEST(MalformedNames, OneForEachReason) {
  EXPECT_EQ(name(Malformed::kNone), "none");
  EXPECT_EQ(name(Malformed::kFragmentOverlap), "fragment-overlap");
  EXPECT_EQ(name(Malformed::kTransportLength), "transport-length");
  EXPECT_EQ(kMalformedNames.size(), static_cast<std::size_t>(Malformed::kTransportLength) + 1);
}

}  // namespace
}  // namespace afxfw::test
