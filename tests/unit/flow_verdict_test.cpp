// Which verdicts hold for all packets of a flow: is_about_flow() after classify().
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

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
using test::Payload;
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
         (is_about_flow(in_use.rules(), 0, verdict, in_use.evaluation()) ? "flow" : "packet");
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
    EXPECT_EQ(is_about_flow(*rules->rules, i, verdicts[i], evaluation), i % 3 != 0) << i;
  }
}

/// Rules of all kinds, at random: a few rules in a base chain and one that it jumps to.
std::string random_rules(std::mt19937& random, int count) {
  static const std::array kMatches = {"ip saddr 198.51.100.1",
                                      "ip daddr 192.0.2.0/24",
                                      "ip saddr != 198.51.100.2",
                                      "tcp dport 443",
                                      "tcp dport { 22, 443-500 }",
                                      "th sport 40000",
                                      "udp dport != 53",
                                      "meta l4proto tcp",
                                      "ip protocol udp",
                                      "ip6 nexthdr tcp",
                                      "ip6 saddr 2001:db8::/32",
                                      "meta protocol ip",
                                      "ip saddr . tcp dport { 198.51.100.1 . 443 }",
                                      "tcp dport @ports",
                                      "ip saddr @hosts",
                                      "tcp dport @counted",
                                      "tcp flags syn",
                                      "tcp flags & (syn | ack) == ack",
                                      "ip ttl > 32",
                                      "ip6 hoplimit 64",

                                      "ip length > 60",
                                      "ip dscp cs1",
                                      "ip6 dscp cs0",
                                      "ip frag-off & 0x4000 != 0",
                                      "ether saddr 02:00:00:00:00:01",
                                      "udp length 12",
                                      "vlan id 5",
                                      "icmp type echo-request"};
  static const std::array kActions = {
      "accept",  "drop",         "accept", "drop",
      "counter", "counter drop", "log",    "limit rate 1/second drop",
      "return",  "continue"};
  const auto any = [&random](const auto& from) {
    return std::string(from[random() % from.size()]);
  };
  std::string text;
  for (int i = 0; i < count; ++i) {
    if (i != 0) text += "\n";
    // No two that could exclude each other, which is an error.
    if (random() % 8 == 0) text += "meta length < 100 ";
    if (random() % 8 != 0) text += any(kMatches) + " ";
    text += any(kActions);
  }
  return text;
}

/// Packets of one flow that differ in all else.
std::vector<Packet> packets_of_a_flow(std::mt19937& random) {
  const bool udp = random() % 3 == 0;
  const std::uint16_t port = std::array<std::uint16_t, 4>{22, 53, 443, 444}[random() % 4];
  const std::string host = random() % 2 == 0 ? "198.51.100.1" : "198.51.100.2";
  const bool ipv6 = random() % 4 == 0;
  std::vector<Packet> packets;
  for (int i = 0; i < 8; ++i) {
    const auto one_in_two = [&random] { return random() % 2 == 0; };
    const Ethernet ethernet{.source = one_in_two() ? "02:00:00:00:00:01" : "02:00:00:00:00:09"};
    const auto service = static_cast<std::uint8_t>(one_in_two() ? 0 : 0x20);
    const auto hops = static_cast<std::uint8_t>(one_in_two() ? 64 : 3);
    Packet packet = ipv6 ? ethernet / Ipv6{.traffic_class = service, .hop_limit = hops}
                         : ethernet / Ipv4{.source = host,
                                           .type_of_service = service,
                                           .dont_fragment = one_in_two(),
                                           .ttl = hops};
    if (udp) {
      packet /= Udp{.destination_port = port};
    } else {
      packet /= Tcp{.destination_port = port, .flags = std::uint8_t(one_in_two() ? 0x02 : 0x10)};
    }
    packets.push_back(packet / Payload(one_in_two() ? 4 : 80));
  }
  return packets;
}

// What the fast path rests upon.
TEST(FlowVerdict, WhatIsSaidAboutAFlowHoldsForEachOfItsPackets) {
  std::mt19937 random(1);
  int flows = 0;
  int all = 0;
  for (int round = 0; round < 1500; ++round) {
    const TableText more{.sets =
                             "set ports { type inet_service; elements = { 22, 443 } }\n"
                             "set hosts { type ipv4_addr; elements = { 198.51.100.1 } }\n"
                             "set counted { type inet_service; counter; elements = { 444 } }",
                         .chains = "chain more {\n" + random_rules(random, 3) + "\n}",
                         .drop = random() % 2 == 0};
    std::string text = random_rules(random, 3);
    if (random() % 2 == 0) text += "\ntcp dport 443 jump more\n" + random_rules(random, 2);
    RulesInUse in_use(compiled(table(text, more)));
    Evaluation& evaluation = in_use.evaluation();
    const auto counted = [&] {
      std::uint64_t sum = evaluation.log_count;
      for (std::size_t slot = 0; slot < evaluation.counters.slots(); ++slot) {
        sum += evaluation.counters.read(slot).packets;
      }
      return sum;
    };
    const std::vector<Packet> packets = packets_of_a_flow(random);
    evaluation.clear_beyond_flow();
    const Verdict verdict = in_use.judge(packets.front().bytes());
    const Action first = verdict.action;
    ++all;
    if (!is_about_flow(in_use.rules(), 0, verdict, evaluation)) continue;
    ++flows;
    const std::uint64_t before = counted();
    for (const Packet& packet : packets) {
      ASSERT_EQ(in_use.judge(packet.bytes()).action, first) << text << "\n" << more.chains;
    }
    ASSERT_EQ(counted(), before) << text << "\n" << more.chains;
  }
  EXPECT_GT(flows, all / 10);
  EXPECT_LT(flows, all * 9 / 10);
}

}  // namespace
}  // namespace afxfw
