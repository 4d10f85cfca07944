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

TEST_F(Classify, NoPolicyRedirectsAllWellFormedIp) {
  load(no_policy());
  for (unsigned protocol = 0; protocol < 256; ++protocol) {
    if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) continue;
    expect(AFXFW_REDIRECT,
           Ethernet{} / Ipv4{.protocol = static_cast<std::uint8_t>(protocol)} / Payload(20));
  }
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Udp{});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} / Tcp{.destination_port = 80});
  expect(AFXFW_PASS_NOT_IP, Ethernet{} / Arp{});
  expect(AFXFW_DROP_MALFORMED, Ethernet{} / Ipv4{} / Udp{.length = 7});
}

TEST_F(Classify, OneUdpPort) {
  afxfw_inline_policy policy = no_policy();
  drop_udp_ports(policy, 53, 53);
  load(policy);
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv4{} / Udp{.destination_port = 53});
  expect(AFXFW_DROP_PORT, Ethernet{} / Vlan{} / Ipv6{} / HopByHop{} / Udp{.destination_port = 53});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Udp{.source_port = 53, .destination_port = 52});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Udp{.destination_port = 54});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Udp{.destination_port = 0x3500});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Tcp{.destination_port = 53});

  const std::vector<Packet> pieces =
      fragments(Ethernet{} / Ipv4{} / Udp{.destination_port = 53} / Payload(100), 64);
  expect(AFXFW_DROP_PORT, pieces[0]);
  expect(AFXFW_REDIRECT, pieces[1]);
}

TEST_F(Classify, PortZeroIsNotTakenForALaterFragment) {
  afxfw_inline_policy policy = no_policy();
  drop_udp_ports(policy, 0, 0);
  drop_tcp_ports(policy, 0, 0);
  load(policy);
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv4{} / Udp{.destination_port = 0});
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv4{} / Tcp{.destination_port = 0});
  expect(AFXFW_REDIRECT,
         Ethernet{} / Ipv4{.fragment_offset = 9, .protocol = IPPROTO_UDP} / Payload(Bytes(40)));
  expect(AFXFW_REDIRECT,
         Ethernet{} / Ipv4{.fragment_offset = 9, .protocol = IPPROTO_TCP} / Payload(Bytes(40)));
}

TEST_F(Classify, EachTcpPortOfARangeAcrossWords) {
  afxfw_inline_policy policy = no_policy();
  drop_tcp_ports(policy, 8000, 8080);
  drop_tcp_ports(policy, 65535, 65535);
  load(policy);
  for (unsigned port = 0; port <= 65535; port += (port > 7900 && port < 8200) ? 1 : 97) {
    const bool dropped = (port >= 8000 && port <= 8080) || port == 65535;
    expect(dropped ? AFXFW_DROP_PORT : AFXFW_REDIRECT,
           Ethernet{} / Ipv4{} / Tcp{.destination_port = static_cast<std::uint16_t>(port)},
           "port " + std::to_string(port));
  }
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv6{} / Tcp{.destination_port = 65535});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Udp{.destination_port = 8000});
}

TEST_F(Classify, EveryPort) {
  afxfw_inline_policy policy = no_policy();
  drop_udp_ports(policy, 0, 65535);
  load(policy);
  for (unsigned port = 0; port <= 65535; port += 63) {
    expect(AFXFW_DROP_PORT,
           Ethernet{} / Ipv4{} / Udp{.destination_port = static_cast<std::uint16_t>(port)});
  }
}

TEST_F(Classify, EachProtocolByItself) {
  for (const std::uint8_t dropped :
       std::array<std::uint8_t, 8>{0, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_GRE,
                                   IPPROTO_ICMPV6, IPPROTO_SCTP, 255}) {
    afxfw_inline_policy policy = no_policy();
    drop_protocol(policy, dropped);
    load(policy);
    for (unsigned protocol = 0; protocol < 256; ++protocol) {
      const auto value = static_cast<std::uint8_t>(protocol);
      // A payload that is a well-formed header of TCP and of UDP at once.
      const Payload payload(hex("0050 0035 0014 0000 00000000 5002 ffff 0000 0000"));
      expect(protocol == dropped ? AFXFW_DROP_PROTOCOL : AFXFW_REDIRECT,
             Ethernet{} / Ipv4{.protocol = value} / payload,
             std::to_string(protocol) + " when " + std::to_string(dropped) + " is dropped");
    }
  }
}

TEST_F(Classify, AWholeProtocolGoesBeforeItsPorts) {
  afxfw_inline_policy policy = no_policy();
  drop_protocol(policy, IPPROTO_TCP);
  drop_tcp_ports(policy, 80, 80);
  load(policy);
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv4{} / Tcp{.destination_port = 80});
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv4{} / Tcp{.destination_port = 81});
}

TEST_F(Classify, DroppingIcmpv6LeavesNeighbourDiscoveryAlone) {
  afxfw_inline_policy policy = no_policy();
  drop_protocol(policy, IPPROTO_ICMPV6);
  load(policy);
  expect(AFXFW_PASS_NEIGHBOUR, Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 136});
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 128});
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv6{.hop_limit = 64} / Icmpv6{.type = 136});
  expect(AFXFW_DROP_PROTOCOL,
         Ethernet{} / Ipv6{.hop_limit = 255} / FragmentHeader{} / Icmpv6{.type = 136});
}

TEST_F(Classify, AnUnknownProtocolIsNotProtocolZero) {
  afxfw_inline_policy policy = no_policy();
  drop_protocol(policy, 0);
  drop_protocol(policy, IPPROTO_DSTOPTS);
  load(policy);
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} /
                             FragmentHeader{.offset = 8, .next_header = IPPROTO_DSTOPTS} /
                             Payload(40));
}

TEST_F(Classify, WithoutASocketFallsBackToPass) {
  ProgramUnderTest program(no_policy());
  const Bytes frame = (Ethernet{} / Ipv4{} / Tcp{}).bytes();
  EXPECT_EQ(program.run(frame), (Judgement{XDP_PASS, AFXFW_FALLBACK, frame.size()}));
}

TEST_F(Classify, WithoutASocketFallsBackToDrop) {
  afxfw_inline_policy policy = default_policy();
  policy.fallback = AFXFW_FALLBACK_DROP;
  ProgramUnderTest program(policy);
  const Bytes tcp = (Ethernet{} / Ipv4{} / Tcp{}).bytes();
  const Bytes arp = (Ethernet{} / Arp{}).bytes();
  EXPECT_EQ(program.run(tcp), (Judgement{XDP_DROP, AFXFW_FALLBACK, tcp.size()}));
  EXPECT_EQ(program.run(arp), (Judgement{XDP_PASS, AFXFW_PASS_NOT_IP, arp.size()}));
}

TEST_F(Classify, AnInvalidFallbackIsAbortedAndCounted) {
  afxfw_inline_policy policy = no_policy();
  policy.fallback = 0x10;  // flags that bpf_redirect_map() refuses
  ProgramUnderTest program(policy);
  const Bytes frame = (Ethernet{} / Ipv4{} / Tcp{}).bytes();
  EXPECT_EQ(program.run(frame), (Judgement{XDP_ABORTED, AFXFW_ABORTED, frame.size()}));
}

TEST_F(Classify, EachPacketIsCountedOnce) {
  load(default_policy());
  const std::vector<Packet> packets = {
      Ethernet{} / Ipv4{} / Udp{}, Ethernet{} / Ipv4{} / Tcp{.destination_port = 80},
      Ethernet{} / Arp{},          Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 135},
      Ethernet{} / Ipv4{} / Tcp{}, Ethernet{} / Ipv4{.version = 1},
  };
  for (int round = 0; round < 10; ++round) {
    for (const Packet& packet : packets) program().run(packet.bytes());
  }
  EXPECT_EQ(program().packets(), 10 * packets.size());
}

}  // namespace
}  // namespace afxfw::test
