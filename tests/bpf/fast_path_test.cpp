#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "classify.h"
#include "harness/packet.h"
#include "program_under_test.h"

namespace afxfw::test {
namespace {

constexpr std::uint64_t kGeneration = 7;
constexpr std::uint16_t kPort = 40000;
constexpr std::uint16_t kWeb = 8080;

/// The generation in the upper bits, the protocol in the lowest byte.
constexpr std::uint64_t value(std::uint64_t generation, std::uint8_t protocol) {
  return generation * 256 + protocol;
}

afxfw_ipv4_flow flow4(const Ipv4Address& source, const Ipv4Address& destination,
                      std::uint16_t source_port, std::uint16_t destination_port) {
  afxfw_ipv4_flow flow{0, 0, htons(source_port), htons(destination_port)};
  std::memcpy(&flow.source, source.bytes.data(), source.bytes.size());
  std::memcpy(&flow.destination, destination.bytes.data(), destination.bytes.size());
  return flow;
}

afxfw_ipv6_flow flow6(const Ipv6Address& source, const Ipv6Address& destination) {
  afxfw_ipv6_flow flow{{}, {}, htons(kPort), htons(kWeb)};
  std::memcpy(flow.source, source.bytes.data(), source.bytes.size());
  std::memcpy(flow.destination, destination.bytes.data(), destination.bytes.size());
  return flow;
}

Packet tcp4(const Ipv4& ip = {}, const Tcp& tcp = {}) { return Ethernet{} / ip / tcp; }

class FastPath : public Classify {
 protected:
  void SetUp() override {
    AFXFW_SKIP_WITHOUT_BPF();
    afxfw_inline_policy policy = no_policy();
    drop_tcp_ports(policy, 80, 80);
    policy.fast_path = policy.recall = 1;
    load(policy);
    program().set_live({.generation = kGeneration, .pushed_ipv4 = 0, .pushed_ipv6 = 0});
  }

  void remember_tcp4(std::uint64_t generation = kGeneration) {
    program().remember(flow4("198.51.100.1", "192.0.2.1", kPort, kWeb),
                       value(generation, IPPROTO_TCP));
  }
};

TEST_F(FastPath, PassesAnAcceptedFlowAndNoOther) {
  expect(AFXFW_REDIRECT_NEW_FLOW, tcp4());
  remember_tcp4();
  expect(AFXFW_PASS_FLOW, tcp4());
  expect(AFXFW_PASS_FLOW, tcp4({.ttl = 1}, {.flags = 0x10}) / Payload(1000), "of the same flow");
  expect(AFXFW_REDIRECT_NEW_FLOW, tcp4({.source = "198.51.100.2"}), "another source");
  expect(AFXFW_REDIRECT_NEW_FLOW, tcp4({.destination = "192.0.2.2"}), "another destination");
  expect(AFXFW_REDIRECT_NEW_FLOW, tcp4({}, {.source_port = 40001}), "another source port");
  expect(AFXFW_REDIRECT_NEW_FLOW, tcp4({}, {.destination_port = 8081}), "another port");
  expect(AFXFW_REDIRECT_NEW_FLOW,
         tcp4({.source = "192.0.2.1", .destination = "198.51.100.1"},
              {.source_port = kWeb, .destination_port = kPort}),
         "the way back");
  expect(AFXFW_REDIRECT_NEW_FLOW,
         Ethernet{} / Ipv4{} / Udp{.source_port = kPort, .destination_port = kWeb}, "UDP");
}

TEST_F(FastPath, KnowsTheProtocol) {
  const Packet udp = Ethernet{} / Ipv4{} / Udp{.source_port = kPort, .destination_port = kWeb};
  program().remember(flow4("198.51.100.1", "192.0.2.1", kPort, kWeb),
                     value(kGeneration, IPPROTO_UDP));
  expect(AFXFW_PASS_FLOW, udp);
  expect(AFXFW_REDIRECT_NEW_FLOW, tcp4());
  remember_tcp4();  // takes its place
  expect(AFXFW_PASS_FLOW, tcp4());
  expect(AFXFW_REDIRECT_NEW_FLOW, udp);
}

TEST_F(FastPath, PassesIpv6) {
  const auto packet = [](const Ipv6& ip) { return Ethernet{} / ip / Tcp{}; };
  expect(AFXFW_REDIRECT_NEW_FLOW, packet({}));
  program().remember(flow6("2001:db8::1", "2001:db8:1::1"), value(kGeneration, IPPROTO_TCP));
  expect(AFXFW_PASS_FLOW, packet({}));
  expect(AFXFW_PASS_FLOW, packet({.traffic_class = 8, .flow_label = 5, .hop_limit = 3}));
  expect(AFXFW_REDIRECT_NEW_FLOW, packet({.source = "2001:db8::2"}));
  expect(AFXFW_REDIRECT_NEW_FLOW, packet({.destination = "2001:db8:1::2"}));
  expect(AFXFW_REDIRECT_NEW_FLOW, Ethernet{} / Ipv6{} / Udp{kPort, kWeb});
}

TEST_F(FastPath, ForgetsAllAtOnceWhenTheRulesChange) {
  remember_tcp4();
  expect(AFXFW_PASS_FLOW, tcp4());
  program().set_live({.generation = kGeneration + 1, .pushed_ipv4 = 0, .pushed_ipv6 = 0});
  expect(AFXFW_REDIRECT_NEW_FLOW, tcp4());
  remember_tcp4(kGeneration);  // by a worker that has not seen the new rules yet
  expect(AFXFW_REDIRECT_NEW_FLOW, tcp4());
  remember_tcp4(kGeneration + 1);
  expect(AFXFW_PASS_FLOW, tcp4());
}

// Those whose verdict may depend on more than the flow, or whose key lies elsewhere.
TEST_F(FastPath, AsksWorkersAboutAllButPlainTcpAndUdp) {
  remember_tcp4();
  program().remember(flow6("2001:db8::1", "2001:db8:1::1"), value(kGeneration, IPPROTO_TCP));
  expect(AFXFW_REDIRECT, Ethernet{} / Vlan{} / Ipv4{} / Tcp{}, "tagged");
  expect(AFXFW_REDIRECT, Ethernet{} / Vlan{} / Ipv6{} / Tcp{}, "tagged");
  expect(AFXFW_REDIRECT, tcp4({.options = Bytes(4)}), "options");
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} / DestinationOptions{} / Tcp{}, "options");
  for (const Packet& piece : fragments(tcp4() / Payload(200), 64)) {
    expect(AFXFW_REDIRECT, piece, "a fragment");
  }
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} / FragmentHeader{} / Tcp{}, "an atomic fragment");
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Icmp{} / Payload(8), "ICMP");
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.protocol = IPPROTO_SCTP} / Payload(12), "SCTP");
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} / Icmpv6{}, "ICMPv6");
}

TEST_F(FastPath, ComesAfterTheInlinePolicyAndTheChecks) {
  remember_tcp4();
  expect(AFXFW_DROP_MALFORMED, tcp4({}, {.header_words = 4}));
  expect(AFXFW_DROP_MALFORMED, tcp4({.total_length = 39}));
  program().remember(flow4("198.51.100.1", "192.0.2.1", kPort, 80),
                     value(kGeneration, IPPROTO_TCP));
  expect(AFXFW_DROP_PORT, tcp4({}, {.destination_port = 80}));
  expect(AFXFW_PASS_NOT_IP, Ethernet{} / Arp{});
}

// As if afxfw had been killed: the packet follows --on-failure.
TEST_F(FastPath, IsOverWithoutAWorker) {
  remember_tcp4();
  afxfw_inline_policy policy = no_policy();
  policy.fast_path = policy.recall = 1;
  policy.fallback = AFXFW_FALLBACK_DROP;
  ProgramUnderTest abandoned(policy);
  abandoned.set_live({.generation = kGeneration, .pushed_ipv4 = 0, .pushed_ipv6 = 0});
  abandoned.remember(flow4("198.51.100.1", "192.0.2.1", kPort, kWeb),
                     value(kGeneration, IPPROTO_TCP));
  const Bytes frame = tcp4().bytes();
  EXPECT_EQ(abandoned.run(frame), (Judgement{XDP_DROP, AFXFW_FALLBACK, frame.size()}));
  abandoned.add_socket(0);
  EXPECT_EQ(abandoned.run(frame), (Judgement{XDP_PASS, AFXFW_PASS_FLOW, frame.size()}));
}

TEST_F(FastPath, HoldsNoMoreThanItShouldAndForgetsTheOldest) {
  constexpr std::uint32_t kMany = 10 * ProgramUnderTest::kMaxFlows;
  const auto port = [](std::uint32_t n) { return static_cast<std::uint16_t>(n); };
  for (std::uint32_t n = 1; n <= kMany; ++n) {
    program().remember(flow4("198.51.100.1", "192.0.2.1", port(n), kWeb),
                       value(kGeneration, IPPROTO_TCP));
  }
  EXPECT_LE(program().flows(), ProgramUnderTest::kMaxFlows);
  expect(AFXFW_PASS_FLOW, tcp4({}, {.source_port = port(kMany)}), "the newest");
  expect(AFXFW_REDIRECT_NEW_FLOW, tcp4({}, {.source_port = 1}), "the oldest");
}

TEST_F(Classify, WithoutTheFastPathNoFlowIsLookedUp) {
  load(no_policy());
  program().set_live({.generation = kGeneration, .pushed_ipv4 = 0, .pushed_ipv6 = 0});
  program().remember(flow4("198.51.100.1", "192.0.2.1", kPort, kWeb),
                     value(kGeneration, IPPROTO_TCP));
  expect(AFXFW_REDIRECT, tcp4());
}

}  // namespace
}  // namespace afxfw::test
