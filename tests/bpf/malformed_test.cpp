#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "classify.h"
#include "harness/packet.h"
#include "program_under_test.h"

namespace afxfw::test {
namespace {

constexpr std::size_t kShortest = ProgramUnderTest::kShortestFrame;

Bytes first_bytes(const Bytes& frame, std::size_t count) {
  return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(count)};
}

TEST_F(DefaultPolicy, DropsTinyAndOverlappingFragments) {
  expect(AFXFW_DROP_MALFORMED,
         Ethernet{} / Ipv4{.more_fragments = true, .protocol = IPPROTO_TCP} / Payload(16));
  expect(AFXFW_DROP_MALFORMED, Ethernet{} / Ipv4{.more_fragments = true} / Tcp{.header_words = 6});
  expect(AFXFW_DROP_MALFORMED,
         Ethernet{} / Ipv6{} / FragmentHeader{.more_fragments = true, .next_header = IPPROTO_TCP} /
             Payload(8));
  expect(AFXFW_DROP_MALFORMED,
         Ethernet{} / Ipv4{.fragment_offset = 1, .protocol = IPPROTO_TCP} / Payload(24));
  expect(
      AFXFW_DROP_MALFORMED,
      Ethernet{} / Ipv6{} / FragmentHeader{.offset = 1, .next_header = IPPROTO_TCP} / Payload(24));
  expect(AFXFW_REDIRECT,
         Ethernet{} / Ipv4{.fragment_offset = 2, .protocol = IPPROTO_TCP} / Payload(24));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} /
                             FragmentHeader{.offset = 2, .next_header = IPPROTO_TCP} / Payload(24));
  expect(AFXFW_REDIRECT,
         Ethernet{} / Ipv4{.fragment_offset = 1, .protocol = IPPROTO_SCTP} / Payload(24));
  expect(AFXFW_DROP_PROTOCOL,
         Ethernet{} / Ipv4{.fragment_offset = 1, .protocol = IPPROTO_UDP} / Payload(24));
}

TEST_F(DefaultPolicy, DropsImpossibleIpv4Headers) {
  for (unsigned version = 0; version < 16; ++version) {
    const auto value = static_cast<std::uint8_t>(version);
    expect(version == 4 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED,
           Ethernet{} / Ipv4{.version = value} / Icmp{}, "version " + std::to_string(version));
    expect(version >= 5 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED,
           Ethernet{} / Ipv4{.header_words = value} / Icmp{} / Payload(60),
           "header words " + std::to_string(version));
  }
  for (unsigned length = 0; length <= 64; ++length) {
    const Ipv4 header{.total_length = static_cast<std::uint16_t>(length),
                      .protocol = IPPROTO_GRE,
                      .options = Bytes(4)};
    expect(length >= 24 && length <= 36 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED,
           Ethernet{} / header / Payload(12), "total length " + std::to_string(length));
  }
}

TEST_F(DefaultPolicy, DropsImpossibleIpv6Headers) {
  for (unsigned version = 0; version < 16; ++version) {
    expect(version == 6 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED,
           Ethernet{} / Ipv6{.version = static_cast<std::uint8_t>(version)} / Icmpv6{},
           "version " + std::to_string(version));
  }
  for (unsigned length = 0; length <= 64; ++length) {
    const Ipv6 header{.payload_length = static_cast<std::uint16_t>(length),
                      .next_header = IPPROTO_GRE};
    expect(length <= 12 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED, Ethernet{} / header / Payload(12),
           "payload length " + std::to_string(length));
  }
}

TEST_F(DefaultPolicy, DropsImpossibleTransportHeaders) {
  for (unsigned words = 0; words < 16; ++words) {
    const Tcp tcp{.header_words = static_cast<std::uint8_t>(words)};
    const afxfw_outcome expected = words >= 5 && words <= 8 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED;
    expect(expected, Ethernet{} / Ipv4{} / tcp / Payload(12), "words " + std::to_string(words));
    expect(expected, Ethernet{} / Ipv6{} / tcp / Payload(12), "words " + std::to_string(words));
  }
  for (unsigned length = 0; length <= 40; ++length) {
    const Udp udp{.length = static_cast<std::uint16_t>(length)};
    const afxfw_outcome expected =
        length >= 8 && length <= 20 ? AFXFW_DROP_PROTOCOL : AFXFW_DROP_MALFORMED;
    expect(expected, Ethernet{} / Ipv4{} / udp / Payload(12), "length " + std::to_string(length));
    expect(expected, Ethernet{} / Ipv6{} / udp / Payload(12), "length " + std::to_string(length));
  }
}

TEST_F(DefaultPolicy, EthernetPaddingDoesNotCompleteAHeader) {
  // The frame has a whole header; the packet says that it ends in the middle.
  for (std::size_t size = 0; size <= 20; ++size) {
    const Ipv4 header{.total_length = static_cast<std::uint16_t>(20 + size)};
    expect(size < 20 ? AFXFW_DROP_MALFORMED : AFXFW_REDIRECT,
           padded((Ethernet{} / header / Tcp{}).bytes()), std::to_string(size) + " of TCP");
    expect(size < 8 ? AFXFW_DROP_MALFORMED : AFXFW_DROP_PROTOCOL,
           padded((Ethernet{} / header / Udp{.length = 8} / Payload(12)).bytes()),
           std::to_string(size) + " of UDP");
    const Ipv4 fragment{.total_length = static_cast<std::uint16_t>(20 + size),
                        .more_fragments = true};
    expect(size < 8 ? AFXFW_DROP_MALFORMED : AFXFW_DROP_PROTOCOL,
           padded((Ethernet{} / fragment / Udp{} / Payload(12)).bytes()),
           std::to_string(size) + " of a UDP fragment");
  }
}

TEST_F(DefaultPolicy, TruncatedAtEachLength) {
  const std::vector<Packet> packets = {
      Ethernet{} / Ipv4{} / Tcp{} / Payload(5),
      Ethernet{} / Ipv4{.options = Bytes(40)} / Tcp{},
      Ethernet{} / Vlan{.tag = 0x88a8} / Vlan{} / Ipv4{} / Icmp{},
      Ethernet{} / Ipv6{} / Tcp{} / Payload(5),
      Ethernet{} / Vlan{} / Ipv6{} / HopByHop{} / Routing{} / FragmentHeader{} / Authentication{} /
          DestinationOptions{} / Tcp{},
      Ethernet{} / Ipv4{.fragment_offset = 5, .protocol = IPPROTO_TCP} / Payload(9),
  };
  for (const Packet& packet : packets) {
    const Bytes whole = packet.bytes();
    for (std::size_t length = kShortest; length < whole.size(); ++length) {
      expect(AFXFW_DROP_MALFORMED, first_bytes(whole, length), std::to_string(length) + " bytes");
    }
    expect(AFXFW_REDIRECT, whole);
  }
}

TEST_F(DefaultPolicy, AnIpv6ChainCutAtEachLengthOfThePacket) {
  const std::size_t chain = 16 + 24;
  for (std::size_t length = 0; length <= chain + 25; ++length) {
    expect(length < chain + 20 ? AFXFW_DROP_MALFORMED : AFXFW_REDIRECT,
           Ethernet{} / Ipv6{.payload_length = static_cast<std::uint16_t>(length)} /
               DestinationOptions{.options = Bytes(10)} / Authentication{} / Tcp{} / Payload(5),
           std::to_string(length) + " bytes");
  }
}

TEST_F(DefaultPolicy, ArpCutAtEachLength) {
  const Bytes arp = (Ethernet{} / Vlan{} / Arp{}).bytes();
  for (std::size_t length = kShortest; length <= arp.size(); ++length) {
    expect(length < 18 ? AFXFW_DROP_MALFORMED : AFXFW_PASS_NOT_IP, first_bytes(arp, length),
           std::to_string(length) + " bytes");
  }
}

}  // namespace
}  // namespace afxfw::test
