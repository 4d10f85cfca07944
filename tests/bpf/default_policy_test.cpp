#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "classify.h"
#include "harness/packet.h"
#include "program_under_test.h"

namespace afxfw::test {
namespace {

TEST_F(DefaultPolicy, DropsUdp) {
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv4{} / Udp{} / Payload(100));
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv6{} / Udp{} / Payload(100));
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv4{} / Udp{.checksum = 0});
}

TEST_F(DefaultPolicy, DropsTcpToPort80Only) {
  for (const std::uint16_t port : std::array<std::uint16_t, 7>{0, 16, 79, 81, 443, 20480, 65535}) {
    expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Tcp{.destination_port = port});
    expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} / Tcp{.destination_port = port});
  }
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv4{} / Tcp{.destination_port = 80});
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv6{} / Tcp{.destination_port = 80} / Payload(5));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Tcp{.source_port = 80});
}

TEST_F(DefaultPolicy, RedirectsEverythingElse) {
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Icmp{} / Payload(56));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} / Icmpv6{} / Payload(56));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.protocol = IPPROTO_SCTP} / Payload(12));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.protocol = IPPROTO_GRE});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Ipv4{} / Udp{});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Authentication{} / Udp{});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.next_header = IPPROTO_ESP} / Payload(40));
  expect(AFXFW_REDIRECT, Packet(Ethernet{}) / Ipv6{});
}

TEST_F(DefaultPolicy, PassesWhatIsNotIp) {
  expect(AFXFW_PASS_NOT_IP, Ethernet{.destination = "ff:ff:ff:ff:ff:ff"} / Arp{});
  expect(AFXFW_PASS_NOT_IP, Ethernet{} / Vlan{} / Arp{});
  expect(AFXFW_PASS_NOT_IP, Ethernet{} / Vlan{} / Vlan{} / Arp{});
  expect(AFXFW_PASS_NOT_IP, Ethernet{.type = 0x88cc} / Payload(50));  // LLDP
  expect(AFXFW_PASS_NOT_IP, Ethernet{.type = 0x8864} / Payload(50));  // PPPoE session
  expect(AFXFW_PASS_NOT_IP, Ethernet{.type = 46} / Payload(46));      // 802.3 length
  expect(AFXFW_PASS_NOT_IP, Ethernet{.type = 1500} / Payload(1500));
  expect(AFXFW_PASS_NOT_IP, Packet(Ethernet{}));
}

TEST_F(DefaultPolicy, LooksBehindVlanTags) {
  for (const std::uint16_t tag : std::array<std::uint16_t, 2>{0x8100, 0x88a8}) {
    const Packet one = Ethernet{} / Vlan{.id = 5, .priority = 7, .tag = tag};
    const Packet two = one / Vlan{.id = 6};
    for (const Packet& outer : {one, two}) {
      expect(AFXFW_DROP_PROTOCOL, outer / Ipv4{} / Udp{});
      expect(AFXFW_DROP_PROTOCOL, outer / Ipv6{} / Udp{});
      expect(AFXFW_DROP_PORT, outer / Ipv4{.options = Bytes(8)} / Tcp{.destination_port = 80});
      expect(AFXFW_REDIRECT, outer / Ipv6{} / Tcp{.destination_port = 81});
    }
    expect(AFXFW_DROP_MALFORMED, two / Vlan{.id = 7} / Ipv4{} / Tcp{});
    expect(AFXFW_DROP_MALFORMED, two / Vlan{.id = 7} / Arp{});
  }
}

TEST_F(DefaultPolicy, LooksBehindIpv4OptionsOfEachLength) {
  for (std::size_t size = 0; size <= 40; size += 4) {
    const Packet outer = Ethernet{} / Ipv4{.options = Bytes(size)};
    expect(AFXFW_DROP_PROTOCOL, outer / Udp{});
    expect(AFXFW_DROP_PORT, outer / Tcp{.destination_port = 80});
    expect(AFXFW_REDIRECT, outer / Tcp{.destination_port = 8080});
  }
}

TEST_F(DefaultPolicy, LooksBehindEachExtensionHeader) {
  const std::vector<Layer> headers = {
      HopByHop{},
      HopByHop{.options = Bytes(30)},
      DestinationOptions{},
      DestinationOptions{.options = Bytes(2046)},  // the longest
      Routing{},
      Routing{.segments_left = 2, .data = Bytes(36)},
      Authentication{},
      Authentication{.check_value = Bytes(1012)},  // the longest: a multiple of 8
      FragmentHeader{},
      FragmentHeader{.reserved = 0xff},
  };
  for (const Layer& header : headers) {
    const std::string which = "header " + std::to_string(header.get().index());
    const Packet outer = Ethernet{} / Ipv6{} / header;
    expect(AFXFW_DROP_PROTOCOL, outer / Udp{} / Payload(3), which);
    expect(AFXFW_DROP_PORT, outer / Tcp{.destination_port = 80}, which);
    expect(AFXFW_REDIRECT, outer / Tcp{.destination_port = 8080}, which);
    expect(AFXFW_REDIRECT, outer / Icmpv6{}, which);
  }
}

TEST_F(DefaultPolicy, LooksBehindUpToEightExtensionHeaders) {
  Packet packet = Ethernet{} / Vlan{} / Vlan{} / Ipv6{};
  for (int count = 0; count <= 10; ++count) {
    const std::string which = std::to_string(count) + " headers";
    expect(count <= 8 ? AFXFW_DROP_PROTOCOL : AFXFW_DROP_MALFORMED, packet / Udp{}, which);
    expect(count <= 8 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED, packet / Tcp{}, which);
    packet /= DestinationOptions{.options = Bytes(static_cast<std::size_t>(count) * 8)};
  }
}

TEST_F(DefaultPolicy, LooksBehindEightOfTheLongestExtensionHeaders) {
  // As many as BPF_PROG_TEST_RUN takes in one page.
  Packet packet = Ethernet{} / Ipv6{} / DestinationOptions{.options = Bytes(2046)} /
                  Authentication{.check_value = Bytes(1012)};
  for (int count = 2; count < 8; ++count) packet /= HopByHop{};
  expect(AFXFW_DROP_PROTOCOL, packet / Udp{});
  expect(AFXFW_DROP_PORT, packet / Tcp{.destination_port = 80});
}

TEST_F(DefaultPolicy, DropsEveryFragmentOfADroppedProtocol) {
  for (const Packet& packet : fragments(Ethernet{} / Ipv4{} / Udp{} / Payload(300), 96)) {
    expect(AFXFW_DROP_PROTOCOL, packet);
  }
  for (const Packet& packet : fragments(Ethernet{} / Vlan{} / Ipv6{} / Udp{} / Payload(300), 96)) {
    expect(AFXFW_DROP_PROTOCOL, packet);
  }
  for (const Packet& packet :
       fragments(Ethernet{} / Ipv6{} / HopByHop{} / Routing{} / Udp{} / Payload(300), 96)) {
    expect(AFXFW_DROP_PROTOCOL, packet);
  }
}

TEST_F(DefaultPolicy, DropsTheFirstFragmentToADroppedPort) {
  for (const Packet& whole : {Ethernet{} / Ipv4{} / Tcp{.destination_port = 80} / Payload(100),
                              Ethernet{} / Ipv6{} / Tcp{.destination_port = 80} / Payload(100)}) {
    const std::vector<Packet> pieces = fragments(whole, 48);
    ASSERT_EQ(pieces.size(), 3u);
    expect(AFXFW_DROP_PORT, pieces[0]);
    expect(AFXFW_REDIRECT, pieces[1]);  // no ports there
    expect(AFXFW_REDIRECT, pieces[2]);
  }
}

TEST_F(DefaultPolicy, NeverTakesALaterFragmentsPayloadForPorts) {
  const Bytes looks_like_port_80 = hex("9c40 0050 0000 0001 0000 0000 5002 ffff 0000 0000");
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.fragment_offset = 10, .protocol = IPPROTO_TCP} /
                             Payload(looks_like_port_80));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} /
                             FragmentHeader{.offset = 10, .next_header = IPPROTO_TCP} /
                             Payload(looks_like_port_80));
}

TEST_F(DefaultPolicy, GoesNoFurtherInALaterFragmentOfAnExtensionHeader) {
  const std::vector<Packet> pieces =
      fragments(Ethernet{} / Ipv6{} / DestinationOptions{} / Udp{} / Payload(100), 64);
  ASSERT_EQ(pieces.size(), 2u);
  expect(AFXFW_DROP_PROTOCOL, pieces[0]);
  expect(AFXFW_REDIRECT, pieces[1]);  // its protocol is unknown
}

TEST_F(DefaultPolicy, AnAtomicFragmentIsAWholePacket) {
  const Packet outer = Ethernet{} / Ipv6{} / FragmentHeader{};
  expect(AFXFW_DROP_PROTOCOL, outer / Udp{});
  expect(AFXFW_DROP_PORT, outer / Tcp{.destination_port = 80});
  expect(AFXFW_DROP_MALFORMED, outer / Udp{.length = 9});
}

TEST_F(DefaultPolicy, PassesNeighbourDiscoveryOnly) {
  for (unsigned type = 0; type < 256; ++type) {
    const Icmpv6 message{.type = static_cast<std::uint8_t>(type)};
    expect(type >= 133 && type <= 137 ? AFXFW_PASS_NEIGHBOUR : AFXFW_REDIRECT,
           Ethernet{} / Ipv6{.hop_limit = 255} / message / Payload(16),
           "type " + std::to_string(type));
  }
  const Icmpv6 solicitation{.type = 135};
  expect(AFXFW_PASS_NEIGHBOUR, Ethernet{} / Vlan{} / Ipv6{.hop_limit = 255} / solicitation);
  expect(AFXFW_PASS_NEIGHBOUR, Ethernet{} / Ipv6{.hop_limit = 255} / HopByHop{} / solicitation);
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.hop_limit = 254} / solicitation);
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 135, .code = 1});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.hop_limit = 255} / FragmentHeader{} / solicitation);
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.hop_limit = 255} /
                             FragmentHeader{.more_fragments = true} / solicitation);
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.next_header = IPPROTO_ICMPV6, .hop_limit = 255} /
                             Payload(hex("87 00 00 00 00 00 00")));
  expect(AFXFW_REDIRECT,
         Ethernet{} / Ipv6{.payload_length = 7, .hop_limit = 255} / solicitation / Payload(16));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.ttl = 255, .protocol = IPPROTO_ICMPV6} / solicitation);
}

TEST_F(DefaultPolicy, CountsTheWholeFrameWithPadding) {
  expect(AFXFW_REDIRECT, padded((Ethernet{} / Ipv4{} / Tcp{}).bytes()));
  expect(AFXFW_DROP_PROTOCOL, padded((Ethernet{} / Ipv4{} / Udp{}).bytes()));
}

}  // namespace
}  // namespace afxfw::test
