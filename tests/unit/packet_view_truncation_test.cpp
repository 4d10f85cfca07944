#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "harness/packet.h"
#include "net/packet_view.h"
#include "packet_view_outcome.h"

namespace afxfw::test {
namespace {

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
    std::copy_n(head.begin(), std::min(frame.size(), head.size()), frame.begin());
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

}  // namespace
}  // namespace afxfw::test
