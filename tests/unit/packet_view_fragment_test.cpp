#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "harness/packet.h"
#include "net/packet_view.h"
#include "packet_view_outcome.h"

namespace afxfw::test {
namespace {

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

TEST_F(PacketViewTest, AnExtensionHeaderThatIsAnnouncedOnly) {
  for (std::size_t size = 0; size < 8; ++size) {
    EXPECT_EQ(outcome_of(Ethernet{} / Ipv6{.next_header = IPPROTO_HOPOPTS} / Payload(size)),
              malformed(Malformed::kTruncatedExtension));
  }
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

}  // namespace
}  // namespace afxfw::test
