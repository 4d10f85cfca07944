#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <cstdint>
#include <optional>

#include "classify.h"
#include "harness/packet.h"
#include "program_under_test.h"

namespace afxfw::test {
namespace {

constexpr const char* kBad = "198.51.100.7";
constexpr const char* kBadIpv6 = "2001:db8:bad::7";

class PushDown : public Classify {
 protected:
  void SetUp() override {
    AFXFW_SKIP_WITHOUT_BPF();
    afxfw_inline_policy policy = no_policy();
    drop_tcp_ports(policy, 80, 80);
    policy.push_down = policy.recall = 1;
    load(policy);
    program().push_down(Ipv4Address(kBad));
    program().push_down(Ipv6Address(kBadIpv6));
    program().set_live({.generation = 1, .pushed_ipv4 = 1, .pushed_ipv6 = 1});
  }
};

TEST_F(PushDown, DropsWhateverTheSourceSends) {
  const Ipv4 from{.source = kBad};
  expect(AFXFW_DROP_PUSHED_IPV4, Ethernet{} / from / Tcp{});
  expect(AFXFW_DROP_PUSHED_IPV4, Ethernet{} / from / Udp{});
  expect(AFXFW_DROP_PUSHED_IPV4, Ethernet{} / from / Icmp{} / Payload(8));
  expect(AFXFW_DROP_PUSHED_IPV4, Ethernet{} / Ipv4{.source = kBad, .protocol = 47} / Payload(20));
  expect(AFXFW_DROP_PUSHED_IPV4, Ethernet{} / Ipv4{.source = kBad, .options = Bytes(8)} / Tcp{});
  for (const Packet& piece : fragments(Ethernet{} / from / Udp{} / Payload(200), 64)) {
    expect(AFXFW_DROP_PUSHED_IPV4, piece, "a fragment");
  }
  const Ipv6 from6{.source = kBadIpv6};
  expect(AFXFW_DROP_PUSHED_IPV6, Ethernet{} / from6 / Tcp{});
  expect(AFXFW_DROP_PUSHED_IPV6, Ethernet{} / from6 / Icmpv6{});
  expect(AFXFW_DROP_PUSHED_IPV6, Ethernet{} / from6 / DestinationOptions{} / Udp{});
}

TEST_F(PushDown, LeavesOthersAlone) {
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.source = "198.51.100.8"} / Tcp{});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.destination = kBad} / Tcp{}, "what goes to it");
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.source = "2001:db8:bad::8"} / Tcp{});
  expect(AFXFW_PASS_NOT_IP, Ethernet{} / Arp{.sender = kBad}, "as the blocklist does");
  expect(AFXFW_PASS_NEIGHBOUR, Ethernet{} / Ipv6{.source = kBadIpv6, .hop_limit = 255} /
                                   Icmpv6{.type = 135} / Payload(16));
  expect(AFXFW_REDIRECT, Ethernet{} / Vlan{} / Ipv4{.source = kBad} / Tcp{}, "a worker's");
}

TEST_F(PushDown, ComesAfterTheInlinePolicyAndTheChecks) {
  expect(AFXFW_DROP_MALFORMED, Ethernet{} / Ipv4{.source = kBad} / Tcp{.header_words = 4});
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv4{.source = kBad} / Tcp{.destination_port = 80});
}

TEST_F(PushDown, CountsForEachSource) {
  for (int i = 0; i < 5; ++i) program().run((Ethernet{} / Ipv4{.source = kBad} / Tcp{}).bytes());
  EXPECT_EQ(program().pushed_packets(Ipv4Address(kBad)), 5U);
  EXPECT_EQ(program().pushed_packets(Ipv4Address("198.51.100.8")), std::nullopt);
}

TEST_F(PushDown, DoesNotLookWithoutSources) {
  program().set_live({.generation = 1, .pushed_ipv4 = 0, .pushed_ipv6 = 1});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.source = kBad} / Tcp{});
  expect(AFXFW_DROP_PUSHED_IPV6, Ethernet{} / Ipv6{.source = kBadIpv6} / Tcp{});
}

TEST_F(PushDown, IsOverWithoutAWorker) {
  afxfw_inline_policy policy = no_policy();
  policy.push_down = policy.recall = 1;
  ProgramUnderTest abandoned(policy);
  abandoned.push_down(Ipv4Address(kBad));
  abandoned.set_live({.generation = 1, .pushed_ipv4 = 1, .pushed_ipv6 = 0});
  const Bytes frame = (Ethernet{} / Ipv4{.source = kBad} / Tcp{}).bytes();
  EXPECT_EQ(abandoned.run(frame), (Judgement{XDP_PASS, AFXFW_FALLBACK, frame.size()}));
  EXPECT_EQ(abandoned.pushed_packets(Ipv4Address(kBad)), 0U);
}

TEST_F(PushDown, GoesTogetherWithTheFastPath) {
  afxfw_inline_policy policy = no_policy();
  policy.fast_path = policy.push_down = policy.recall = 1;
  load(policy);
  program().push_down(Ipv4Address(kBad));
  program().set_live({.generation = 1, .pushed_ipv4 = 1, .pushed_ipv6 = 0});
  expect(AFXFW_DROP_PUSHED_IPV4, Ethernet{} / Ipv4{.source = kBad} / Tcp{});
  expect(AFXFW_REDIRECT_NEW_FLOW, Ethernet{} / Ipv4{.source = "198.51.100.8"} / Tcp{});
}

}  // namespace
}  // namespace afxfw::test
