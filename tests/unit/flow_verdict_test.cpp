// Which verdicts hold for all packets of a flow: Evaluation::is_beyond_flow() after classify().
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "harness/packet.h"
#include "harness/rules.h"
#include "pipeline/classifier.h"

namespace afxfw {
namespace {

using test::compiled;
using test::Ethernet;
using test::Ipv4;
using test::Ipv6;
using test::Packet;
using test::RulesInUse;
using test::table;
using test::TableText;
using test::Tcp;
using test::Udp;

/// "accept flow": what is said about the packet is said about its flow; else "accept packet".
std::string told(const std::string& rules, const Packet& packet, const TableText& more = {}) {
  RulesInUse in_use(compiled(table(rules, more)));
  in_use.evaluation().clear_beyond_flow();
  const Verdict verdict = in_use.judge(packet.bytes());
  return std::string(verdict.action == Action::kAccept ? "accept " : "drop ") +
         (in_use.evaluation().is_beyond_flow(0) ? "packet" : "flow");
}

const Packet kWeb = Ethernet{} / Ipv4{} / Tcp{.destination_port = 443};

TEST(FlowVerdict, RulesOnAddressesAndPortsAreAboutTheFlow) {
  EXPECT_EQ(told("ip daddr 203.0.113.1 drop", kWeb), "accept flow") << "the policy";
  EXPECT_EQ(told("tcp dport 443 accept", kWeb, {.drop = true}), "accept flow");
  EXPECT_EQ(told("ip saddr 198.51.100.0/24 tcp dport { 80, 443 } accept", kWeb, {.drop = true}),
            "accept flow");
  EXPECT_EQ(told("ip saddr . tcp dport { 198.51.100.1 . 443 } accept", kWeb, {.drop = true}),
            "accept flow");
  EXPECT_EQ(told("meta l4proto tcp accept", kWeb, {.drop = true}), "accept flow");
  EXPECT_EQ(told("th dport != 53 accept", Ethernet{} / Ipv6{} / Udp{}, {.drop = true}),
            "drop flow");
}

TEST(FlowVerdict, SetsAndChainsAreTooIfAllIs) {
  const TableText more{.sets = "set web { type inet_service; elements = { 443 } }",
                       .chains = "chain more {\n tcp dport @web accept\n drop\n }",
                       .drop = true};
  EXPECT_EQ(told("tcp dport @web accept", kWeb, more), "accept flow");
  EXPECT_EQ(told("ip saddr 198.51.100.1 jump more", kWeb, more), "accept flow");
  EXPECT_EQ(told("tcp flags syn jump more", kWeb, more), "accept packet");
}

TEST(FlowVerdict, AnyOtherFieldMakesItOneAboutThePacket) {
  for (const char* match :
       {"tcp flags syn", "ip ttl 64", "meta length > 10", "ip length > 10", "ip dscp cs0",
        "ether saddr 02:00:00:00:00:01", "ether type ip", "vlan id 5", "ip frag-off 0"}) {
    const std::string rule = std::string(match) + " accept";
    EXPECT_TRUE(told(rule, kWeb, {.drop = true}).ends_with(" packet")) << match;
    // Whatever it says, the packet met it.
    EXPECT_EQ(told(rule + "\n tcp dport 443 accept", kWeb, {.drop = true}), "accept packet")
        << match;
  }
}

TEST(FlowVerdict, OnlyRulesThatThePacketMeetsMatter) {
  EXPECT_EQ(told("tcp dport 443 accept\n tcp flags syn drop", kWeb), "accept flow") << "decided";
  EXPECT_EQ(told("tcp dport 22 tcp flags syn drop", kWeb), "accept flow") << "another port";
  EXPECT_EQ(told("ip saddr 192.0.2.77 ip ttl 1 drop", kWeb), "accept flow") << "another source";
  EXPECT_EQ(told("udp dport 443 udp length > 100 drop", kWeb), "accept flow") << "another protocol";
}

TEST(FlowVerdict, CountersLimitsAndLogsAreAboutThePacket) {
  EXPECT_EQ(told("tcp dport 443 counter accept", kWeb), "accept packet");
  EXPECT_EQ(told("counter\n tcp dport 443 accept", kWeb), "accept packet");
  EXPECT_EQ(told("tcp dport 443 log accept", kWeb), "accept packet");
  EXPECT_EQ(told("tcp dport 443 limit rate 10/second accept", kWeb), "accept packet");
  EXPECT_EQ(told("tcp dport 443 limit rate over 10/second drop", kWeb), "accept packet");
  const TableText more{.sets = "set web { type inet_service; counter; elements = { 443 } }",
                       .chains = {}};
  EXPECT_EQ(told("tcp dport @web accept", kWeb, more), "accept packet");
  EXPECT_EQ(told("tcp dport 22 counter drop", kWeb), "accept flow") << "it does not meet it";
}

TEST(FlowVerdict, ListsAndPlacesInABatch) {
  RuleSetSources sources;
  sources.allowlists.push_back({"allow", "198.51.100.1\n"});
  sources.blocklists.push_back({"block", "198.51.100.2\n"});
  const auto rules = compile(sources, 1);
  ASSERT_TRUE(rules.has_value());
  std::array<test::Bytes, 200> frames;
  std::array<PacketView, 200> views;
  std::array<Verdict, 200> verdicts;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i] =
        (Ethernet{} / Ipv4{.source = i % 3 == 0 ? "198.51.100.1" : "198.51.100.3"} / Tcp{}).bytes();
    views[i] = parse(frames[i]);
  }
  Evaluation evaluation(rules->rules->counter_slots());
  classify(*rules->rules, views, verdicts, evaluation);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    // The allowlist's rule counts.
    EXPECT_EQ(evaluation.is_beyond_flow(i), i % 3 == 0) << i;
  }
  evaluation.clear_beyond_flow();
  EXPECT_FALSE(evaluation.is_beyond_flow(0));
}

}  // namespace
}  // namespace afxfw
