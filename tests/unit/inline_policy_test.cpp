#include "rules/inline_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bitset>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

namespace afxfw {
namespace {

using Ports = std::bitset<65536>;

Ports ports(const __u64 (&words)[AFXFW_PORT_WORDS]) {
  Ports set;
  for (std::size_t port = 0; port < set.size(); ++port) {
    set[port] = (words[port / 64] & (__u64{1} << (port % 64))) != 0;
  }
  return set;
}

std::size_t protocols(const afxfw_inline_policy& policy) {
  return static_cast<std::size_t>(
      std::count(std::begin(policy.drop_protocol), std::end(policy.drop_protocol), 1));
}

afxfw_inline_policy parsed(std::string_view text) {
  const auto policy = parse_inline_policy(text);
  EXPECT_TRUE(policy.has_value()) << to_string(policy.error());
  return policy.value_or(afxfw_inline_policy{});
}

std::string normalised(std::string_view text) { return to_string(parsed(text)); }

std::string errors(std::string_view text) {
  const auto policy = parse_inline_policy(text);
  return policy ? "no error" : to_string(policy.error());
}

TEST(InlinePolicy, TheDefaultDropsUdpAndTcpPort80) {
  const afxfw_inline_policy policy = parsed(kDefaultInlineDrop);
  EXPECT_EQ(policy.drop_protocol[17], 1);
  EXPECT_EQ(protocols(policy), 1U);
  EXPECT_EQ(policy.any_tcp_port, 1);
  EXPECT_EQ(ports(policy.drop_tcp_port), Ports().set(80));
  EXPECT_EQ(policy.any_udp_port, 0);
  EXPECT_TRUE(ports(policy.drop_udp_port).none());
}

// Zero would be XDP_ABORTED.
TEST(InlinePolicy, PassesWhatHasNoSocketUnlessToldOtherwise) {
  EXPECT_EQ(parsed("none").fallback, static_cast<__u32>(AFXFW_FALLBACK_PASS));
}

TEST(InlinePolicy, NoneDropsNothing) {
  for (const std::string_view text : {"none", " NONE "}) {
    const afxfw_inline_policy policy = parsed(text);
    EXPECT_EQ(protocols(policy), 0U);
    EXPECT_EQ(policy.any_tcp_port, 0);
    EXPECT_EQ(policy.any_udp_port, 0);
    EXPECT_EQ(to_string(policy), "none");
  }
}

// IANA "Protocol Numbers".
TEST(InlinePolicy, KnowsProtocolsByNameAndNumber) {
  EXPECT_EQ(parsed("icmp").drop_protocol[1], 1);
  EXPECT_EQ(parsed("igmp").drop_protocol[2], 1);
  EXPECT_EQ(parsed("tcp").drop_protocol[6], 1);
  EXPECT_EQ(parsed("gre").drop_protocol[47], 1);
  EXPECT_EQ(parsed("esp").drop_protocol[50], 1);
  EXPECT_EQ(parsed("ah").drop_protocol[51], 1);
  EXPECT_EQ(parsed("icmpv6").drop_protocol[58], 1);
  EXPECT_EQ(parsed("sctp").drop_protocol[132], 1);
  EXPECT_EQ(parsed("0").drop_protocol[0], 1);
  EXPECT_EQ(parsed("255").drop_protocol[255], 1);
}

TEST(InlinePolicy, PortRangesIncludeBothEnds) {
  Ports expected;
  for (std::size_t port = 8000; port <= 8080; ++port) expected.set(port);
  EXPECT_EQ(ports(parsed("tcp/8000-8080").drop_tcp_port), expected);
  EXPECT_TRUE(ports(parsed("udp/0-65535").drop_udp_port).all());
  EXPECT_EQ(ports(parsed("udp/65535").drop_udp_port), Ports().set(65535));
  EXPECT_EQ(ports(parsed("udp/0-0").drop_udp_port), Ports().set(0));
}

TEST(InlinePolicy, ListsAddUp) {
  const afxfw_inline_policy policy = parsed("udp/53,tcp/80,tcp/443, 6/8080 ,GRE");
  EXPECT_EQ(ports(policy.drop_udp_port), Ports().set(53));
  EXPECT_EQ(ports(policy.drop_tcp_port), Ports().set(80).set(443).set(8080));
  EXPECT_EQ(policy.any_tcp_port, 1);
  EXPECT_EQ(policy.any_udp_port, 1);
  EXPECT_EQ(policy.drop_protocol[47], 1);
  EXPECT_EQ(policy.drop_protocol[6], 0);
}

TEST(InlinePolicy, NormalisesToOneText) {
  EXPECT_EQ(normalised("udp,tcp/80"), "udp,tcp/80");
  EXPECT_EQ(normalised("tcp/80,17"), "udp,tcp/80");
  EXPECT_EQ(normalised("tcp/81,tcp/80,tcp/82-90,tcp/92"), "tcp/80-90,tcp/92");
  EXPECT_EQ(normalised("udp/53,sctp,3,icmp,tcp/1-65535"), "icmp,3,sctp,tcp/1-65535,udp/53");
  EXPECT_EQ(normalised("tcp/63-64,tcp/65535"), "tcp/63-64,tcp/65535");
}

TEST(InlinePolicy, AWholeProtocolMakesItsPortsRedundant) {
  EXPECT_EQ(normalised("udp/53,udp"), "udp");
  EXPECT_EQ(parsed("tcp,tcp/80").any_tcp_port, 0);
}

TEST(InlinePolicy, NamesEveryErrorWithColumnAndText) {
  EXPECT_EQ(errors("upd,tcp/http"),
            "--inline-drop: column 1: unknown protocol; known are tcp, udp, icmp, icmpv6, igmp, "
            "gre, esp, ah, sctp and numbers up to 255: 'upd'\n"
            "--inline-drop: column 9: not a port; a port is a number up to 65535, a range is "
            "LOW-HIGH: 'http'");
}

TEST(InlinePolicy, RefusesPortsOfProtocolsWithoutPorts) {
  EXPECT_EQ(errors("tcp/1,icmp/8"),
            "--inline-drop: column 7: only tcp and udp have ports: 'icmp/8'");
  EXPECT_EQ(errors("sctp/80"), "--inline-drop: column 1: only tcp and udp have ports: 'sctp/80'");
}

struct BadPolicy {
  std::string_view text;
  std::size_t column;
  std::string_view part_of_what;
};

class BadInlinePolicy : public testing::TestWithParam<BadPolicy> {};

TEST_P(BadInlinePolicy, IsAnErrorThatSaysWhereAndWhy) {
  const auto policy = parse_inline_policy(GetParam().text);
  ASSERT_FALSE(policy.has_value());
  ASSERT_EQ(policy.error().total(), 1U) << to_string(policy.error());
  EXPECT_EQ(policy.error().kept()[0].column, GetParam().column);
  EXPECT_NE(policy.error().kept()[0].what.find(GetParam().part_of_what), std::string::npos)
      << policy.error().kept()[0].what;
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadInlinePolicy,
    testing::Values(
        BadPolicy{"", 1, "protocol is missing"}, BadPolicy{"  ", 3, "protocol is missing"},
        BadPolicy{"udp,", 5, "protocol is missing"},
        BadPolicy{"udp,,tcp", 5, "protocol is missing"}, BadPolicy{"none,udp", 1, "stands alone"},
        BadPolicy{"256", 1, "unknown protocol"}, BadPolicy{"-1", 1, "unknown protocol"},
        BadPolicy{"/80", 1, "unknown protocol"}, BadPolicy{"tcp 80", 1, "unknown protocol"},
        BadPolicy{"none/80", 1, "unknown protocol"}, BadPolicy{"tcp/", 5, "port is missing"},
        BadPolicy{"tcp/65536", 5, "not a port"},
        BadPolicy{"tcp/99999999999999999999", 5, "not a port"},
        BadPolicy{"tcp/80x", 5, "not a port"}, BadPolicy{"tcp/80/90", 5, "not a port"},
        BadPolicy{"tcp/80-", 8, "not a port"}, BadPolicy{"tcp/-80", 5, "not a port"},
        BadPolicy{"tcp/1-2-3", 7, "not a port"}, BadPolicy{"tcp/90-80", 5, "above"}));

TEST(InlinePolicy, TheTextOfAnyPolicyParsesToThatPolicy) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    afxfw_inline_policy policy = {};
    policy.fallback = AFXFW_FALLBACK_PASS;
    for (std::size_t n = random() % 5; n > 0; --n) policy.drop_protocol[random() % 256] = 1;
    const auto add_ports = [&](__u64(&words)[AFXFW_PORT_WORDS], __u8& any) {
      for (std::size_t n = random() % 5; n > 0; --n) {
        const std::size_t low = random() % 65536;
        const std::size_t high = std::min<std::size_t>(65535, low + random() % 300);
        for (std::size_t port = low; port <= high; ++port) {
          words[port / 64] |= __u64{1} << (port % 64);
        }
        any = 1;
      }
    };
    if (policy.drop_protocol[6] == 0) add_ports(policy.drop_tcp_port, policy.any_tcp_port);
    if (policy.drop_protocol[17] == 0) add_ports(policy.drop_udp_port, policy.any_udp_port);

    const std::string text = to_string(policy);
    const afxfw_inline_policy again = parsed(text);
    ASSERT_TRUE(std::equal(std::begin(policy.drop_protocol), std::end(policy.drop_protocol),
                           std::begin(again.drop_protocol)))
        << text;
    ASSERT_EQ(ports(policy.drop_tcp_port), ports(again.drop_tcp_port)) << text;
    ASSERT_EQ(ports(policy.drop_udp_port), ports(again.drop_udp_port)) << text;
    ASSERT_EQ(policy.any_tcp_port, again.any_tcp_port);
    ASSERT_EQ(policy.any_udp_port, again.any_udp_port);
  }
}

}  // namespace
}  // namespace afxfw
