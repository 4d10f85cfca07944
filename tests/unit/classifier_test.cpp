#include "pipeline/classifier.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "harness/packet.h"

namespace afxfw {
namespace {

using test::Arp;
using test::Bytes;
using test::DestinationOptions;
using test::Ethernet;
using test::Icmp;
using test::Icmpv6;
using test::Ipv4;
using test::Ipv6;
using test::Packet;
using test::Payload;
using test::Tcp;
using test::Udp;
using test::Vlan;

CompiledRuleSet rules(const std::string& allow, const std::string& block) {
  RuleSetSources sources;
  sources.allowlists.push_back({"allow", allow});
  sources.blocklists.push_back({"block", block});
  auto compiled = compile(sources, 1);
  EXPECT_TRUE(compiled.has_value());
  return std::move(*compiled);
}

// A batch of packets together with their bytes, which the views point into.
class Batch {
 public:
  void add(const Packet& packet) { add(packet.bytes()); }
  void add(Bytes frame) { frames_.push_back(std::move(frame)); }

  std::vector<Verdict> verdicts(const RuleSet& rules) const {
    std::vector<PacketView> views;
    for (const Bytes& frame : frames_) views.push_back(parse(frame));
    std::vector<Verdict> results(views.size(), Verdict{Action::kDrop, DropReason::kRule, 77});
    Evaluation evaluation(rules.counter_slots());
    classify(rules, views, results, evaluation);
    return results;
  }

 private:
  std::vector<Bytes> frames_;
};

// The handle of the rule that decided; 0: none did.
unsigned handle(const RuleSet& rules, const Verdict& verdict) {
  return verdict.rule == Verdict::kNoRule ? 0 : rules.rules()[verdict.rule].handle;
}

Packet from(const std::string& source) {
  if (source.find(':') == std::string::npos) return Ethernet{} / Ipv4{.source = source} / Tcp{};
  return Ethernet{} / Ipv6{.source = source} / Tcp{};
}

TEST(Classifier, JudgesEachPacketOfAMixedBatch) {
  const auto compiled = rules("192.0.2.1\n2001:db8:1::/48", "192.0.2.0/24\n2001:db8::/32");
  Batch batch;
  batch.add(from("192.0.2.1"));
  batch.add(from("192.0.2.2"));
  batch.add(from("198.51.100.1"));
  batch.add(from("2001:db8:1::1"));
  batch.add(from("2001:db8:2::1"));
  batch.add(from("2001:db9::1"));
  const auto verdicts = batch.verdicts(*compiled.rules);
  const std::vector<std::pair<Action, unsigned>> expected = {
      {Action::kAccept, 1}, {Action::kDrop, 3}, {Action::kAccept, 0},
      {Action::kAccept, 2}, {Action::kDrop, 4}, {Action::kAccept, 0}};
  ASSERT_EQ(verdicts.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(verdicts[i].action, expected[i].first) << "packet " << i;
    EXPECT_EQ(handle(*compiled.rules, verdicts[i]), expected[i].second) << "packet " << i;
    EXPECT_EQ(verdicts[i].reason,
              expected[i].first == Action::kDrop ? DropReason::kBlocklist : DropReason::kNone);
  }
}

// A mistake seen in published filters: a blocklist that is asked for TCP, UDP and
// ICMP only.
TEST(Classifier, TheBlocklistHoldsForEveryKindOfIpPacket) {
  const auto compiled = rules("", "198.51.100.7\n2001:db8::7");
  const Ipv4 ipv4{.source = "198.51.100.7"};
  const Ipv6 ipv6{.source = "2001:db8::7"};
  Batch batch;
  batch.add(Ethernet{} / ipv4 / Udp{});
  batch.add(Ethernet{} / ipv4 / Icmp{});
  batch.add(Ethernet{} / Ipv4{.source = "198.51.100.7", .protocol = 47} / Payload(20));  // GRE
  batch.add(Ethernet{} / Vlan{.id = 5} / ipv4 / Tcp{});
  batch.add(Ethernet{} / Vlan{.id = 5, .tag = 0x88a8} / Vlan{.id = 6} / ipv4 / Tcp{});
  batch.add(Ethernet{} / Ipv4{.source = "198.51.100.7", .fragment_offset = 100, .protocol = 6} /
            Payload(64));
  batch.add(Ethernet{} / ipv6 / Icmpv6{});
  batch.add(Ethernet{} / ipv6 / DestinationOptions{} / Tcp{});
  batch.add(Ethernet{} / Vlan{.id = 9} / ipv6 / Udp{});
  const auto verdicts = batch.verdicts(*compiled.rules);
  ASSERT_EQ(verdicts.size(), 9U);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    EXPECT_EQ(verdicts[i].action, Action::kDrop) << "packet " << i;
    EXPECT_EQ(verdicts[i].reason, DropReason::kBlocklist) << "packet " << i;
  }
}

TEST(Classifier, OnlyTheSourceAddressCounts) {
  const auto compiled = rules("", "192.0.2.1");
  Batch batch;
  batch.add(Ethernet{} / Ipv4{.source = "198.51.100.1", .destination = "192.0.2.1"} / Tcp{});
  EXPECT_EQ(batch.verdicts(*compiled.rules)[0].action, Action::kAccept);
}

TEST(Classifier, DropsMalformedPacketsEvenFromTheAllowlist) {
  const auto compiled = rules("0.0.0.0/0\n::/0", "");
  Batch batch;
  Bytes cut = from("192.0.2.1").bytes();
  cut.resize(20);
  batch.add(cut);
  batch.add(Bytes{});
  for (const Verdict& verdict : batch.verdicts(*compiled.rules)) {
    EXPECT_EQ(verdict.action, Action::kDrop);
    EXPECT_EQ(verdict.reason, DropReason::kMalformed);
    EXPECT_EQ(verdict.rule, Verdict::kNoRule);
  }
}

TEST(Classifier, AcceptsWhatIsNotIpWhateverTheBlocklist) {
  const auto compiled = rules("", "0.0.0.0/0\n::/0");
  Batch batch;
  batch.add(Ethernet{} / Arp{});
  batch.add(Ethernet{.type = 0x88cc} / Payload(46));  // LLDP
  for (const Verdict& verdict : batch.verdicts(*compiled.rules)) {
    EXPECT_EQ(verdict.action, Action::kAccept);
    EXPECT_EQ(verdict.reason, DropReason::kNone);
    EXPECT_EQ(verdict.rule, Verdict::kNoRule);
  }
}

TEST(Classifier, AnEmptyBatchIsFine) {
  const auto compiled = rules("", "0.0.0.0/0");
  EXPECT_TRUE(Batch().verdicts(*compiled.rules).empty());
}

TEST(Classifier, GivesTheSameVerdictsInAnyBatchSize) {
  const auto compiled = rules("198.18.0.0/20", "198.18.0.0/16\n2001:db8:0:8000::/49");
  std::mt19937 random(3);
  std::vector<Packet> packets;
  for (int i = 0; i < 300; ++i) {
    const unsigned n = random() % 0x20000;
    packets.push_back(n % 3 == 0
                          ? from(format_ipv6((Ipv6Bits{0x20010db8} << 96) | Ipv6Bits{n} << 64))
                          : from(format_ipv4(0xc6120000 + n)));
  }
  Batch all;
  std::vector<Verdict> single;
  for (const Packet& packet : packets) {
    all.add(packet);
    Batch one;
    one.add(packet);
    single.push_back(one.verdicts(*compiled.rules).front());
  }
  const auto together = all.verdicts(*compiled.rules);
  ASSERT_EQ(together.size(), single.size());
  for (std::size_t i = 0; i < single.size(); ++i) {
    EXPECT_EQ(together[i].action, single[i].action);
    EXPECT_EQ(together[i].rule, single[i].rule);
  }
}

}  // namespace
}  // namespace afxfw
