#include "rules/rule_program.h"

#include <gtest/gtest.h>

#include <cstdint>
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
using test::Tcp;
using test::Udp;

RulesInUse rules(const std::string& lines, const std::string& chains = "") {
  return RulesInUse(compiled(table(lines, {.chains = chains})));
}

Packet tcp(std::uint16_t port, std::uint8_t ttl = 64) {
  return Ethernet{} / Ipv4{.ttl = ttl} / Tcp{.destination_port = port};
}

Packet tcp6(std::uint16_t port) { return Ethernet{} / Ipv6{} / Tcp{.destination_port = port}; }

TEST(RuleProgram, TheFirstRuleThatMatchesDecides) {
  RulesInUse in_use = rules(
      "tcp dport 1-10 accept\n"
      "tcp dport 5-20 drop\n"
      "meta l4proto tcp accept\n"
      "drop");
  EXPECT_EQ(in_use.told(tcp(5)), "accept 1");
  EXPECT_EQ(in_use.told(tcp6(11)), "drop 2");
  EXPECT_EQ(in_use.told(tcp(21)), "accept 3");
  EXPECT_EQ(in_use.told(Ethernet{} / Ipv6{} / Udp{}), "drop 4");
}

TEST(RuleProgram, ThePolicyDecidesWhenNoRuleDoes) {
  RulesInUse open = rules("tcp dport 80 counter\ntcp dport 80 continue");
  EXPECT_EQ(open.told(tcp(80)), "accept policy");
  RulesInUse closed(compiled(table("tcp dport 80 counter", {.drop = true})));
  const Verdict verdict = closed.judge(tcp(80).bytes());
  EXPECT_EQ(verdict.action, Action::kDrop);
  EXPECT_EQ(verdict.reason, DropReason::kPolicy);
  EXPECT_EQ(verdict.rule, Verdict::kNoRule);
}

TEST(RuleProgram, StatementsAreCarriedOutInTheirOrder) {
  RulesInUse in_use = rules(
      "counter tcp dport 80 drop\n"
      "tcp dport 81 counter ip ttl 5 drop\n"
      "tcp dport 82 ip ttl 5 counter drop");
  for (std::uint16_t port = 80; port <= 82; ++port) {
    static_cast<void>(in_use.told(tcp(port)));
    static_cast<void>(in_use.told(tcp(port, 5)));
  }
  EXPECT_EQ(in_use.packets(1), 6U) << "every packet, before it is asked for its port";
  EXPECT_EQ(in_use.packets(2), 2U) << "that port's packets, whatever their TTL";
  EXPECT_EQ(in_use.packets(3), 1U);
}

TEST(RuleProgram, CountsFramesWithTheirPadding) {
  RulesInUse in_use = rules("counter");
  const auto frame = test::padded((Ethernet{} / Ipv4{} / Udp{}).bytes());
  static_cast<void>(in_use.told(frame));
  static_cast<void>(in_use.told(Ethernet{} / Ipv4{} / Payload(1000)));
  EXPECT_EQ(in_use.counted(1).packets, 2U);
  EXPECT_EQ(in_use.counted(1).bytes, 60U + 14U + 20U + 1000U);
}

TEST(RuleProgram, ARuleCountsOnlyWhereACounterIsWritten) {
  const auto program =
      compiled(table("tcp dport 80 drop\nudp dport 53 counter packets 7 bytes 900"));
  EXPECT_EQ(program->rules()[0].slot, kNoSlot);
  EXPECT_NE(program->rules()[1].slot, kNoSlot);
  EXPECT_EQ(program->counter_slots(), 1U);
  EXPECT_EQ(program->rules()[1].initial.packets, 7U);
  EXPECT_EQ(program->rules()[1].initial.bytes, 900U);
}

TEST(RuleProgram, AJumpComesBackAndAGotoDoesNot) {
  const std::string more =
      "chain more {\n"
      "tcp dport 80 accept\n"
      "tcp dport 81 return\n"
      "tcp dport 82 drop\n"
      "}";
  RulesInUse jump = rules("jump more\ndrop", more);
  EXPECT_EQ(jump.told(tcp(80)), "accept 3");
  EXPECT_EQ(jump.told(tcp(81)), "drop 2");
  EXPECT_EQ(jump.told(tcp(83)), "drop 2");
  RulesInUse gone = rules("goto more\ndrop", more);
  EXPECT_EQ(gone.told(tcp(80)), "accept 3");
  EXPECT_EQ(gone.told(tcp(81)), "accept policy");
  EXPECT_EQ(gone.told(tcp(83)), "accept policy");
  EXPECT_EQ(gone.told(tcp(82)), "drop 5");
}

TEST(RuleProgram, AGotoBehindAJumpComesBackToWhereTheJumpWas) {
  RulesInUse in_use = rules("jump first\ntcp dport 80 drop",
                            "chain first {\ngoto second\ndrop\n}\n"
                            "chain second {\ntcp dport 81 accept\n}");
  EXPECT_EQ(in_use.told(tcp(80)), "drop 2");
  EXPECT_EQ(in_use.told(tcp(81)), "accept 5");
  EXPECT_EQ(in_use.told(tcp6(82)), "accept policy");
}

TEST(RuleProgram, AReturnFromTheFirstChainLeadsToThePolicy) {
  RulesInUse in_use(compiled(table("tcp dport 80 return\naccept", {.drop = true})));
  EXPECT_EQ(in_use.told(tcp(80)), "drop policy");
  EXPECT_EQ(in_use.told(tcp(81)), "accept 2");
}

// As many as the kernel's NFT_JUMP_STACK_SIZE.
TEST(RuleProgram, FollowsSixteenChainsDeepAndBack) {
  std::string chains;
  for (int i = 1; i < 16; ++i) {
    const std::string next = i < 15 ? "jump c" + std::to_string(i + 1) : "tcp dport 80 return";
    chains += "chain c" + std::to_string(i) + " {\ncounter\n" + next + "\ncounter\n}\n";
  }
  RulesInUse in_use = rules("jump c1\ncounter drop", chains);
  EXPECT_EQ(in_use.told(tcp(80)), "drop 2");
  EXPECT_EQ(in_use.told(tcp6(81)), "drop 2");
  for (std::size_t chain = 1; chain < 16; ++chain) {
    const std::size_t first = 3 * chain;
    EXPECT_EQ(in_use.packets(first), 2U) << "into chain " << chain;
    EXPECT_EQ(in_use.packets(first + 2), chain < 15 ? 2U : 1U) << "back in chain " << chain;
  }
}

TEST(RuleProgram, ManyListsInOneRuleAskForEachCombination) {
  RulesInUse in_use = rules(
      "ip saddr { 192.0.2.1, 192.0.2.3, 192.0.2.5, 192.0.2.7, 192.0.2.9 } "
      "ip daddr { 198.51.100.1, 198.51.100.3, 198.51.100.5, 198.51.100.7 } "
      "tcp dport { 1, 3, 5, 7, 9 } drop");
  for (int source = 1; source <= 10; ++source) {
    for (int destination = 1; destination <= 8; ++destination) {
      for (std::uint16_t port = 1; port <= 10; ++port) {
        const bool match = source % 2 == 1 && destination % 2 == 1 && port % 2 == 1;
        const Packet packet = Ethernet{} /
                              Ipv4{.source = "192.0.2." + std::to_string(source),
                                   .destination = "198.51.100." + std::to_string(destination)} /
                              Tcp{.destination_port = port};
        ASSERT_EQ(in_use.told(packet), match ? "drop 1" : "accept policy");
      }
    }
  }
}

TEST(RuleProgram, ALimitTakesTheBatchsTime) {
  RulesInUse in_use = rules("limit rate 1/second burst 2 packets accept\ndrop");
  EXPECT_TRUE(in_use.rules().needs_time());
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto accepted = [&](std::uint64_t now_ns) {
    in_use.evaluation().now_ns = now_ns;
    int count = 0;
    for (int i = 0; i < 5; ++i) count += in_use.told(tcp(80)) == "accept 1" ? 1 : 0;
    return count;
  };
  EXPECT_EQ(accepted(kSecond), 2);
  EXPECT_EQ(accepted(kSecond), 0);
  EXPECT_EQ(accepted(2 * kSecond), 1);
}

TEST(RuleProgram, LeavesAskedForLogLinesWithPacketAndRule) {
  const RulesInUse in_use = rules("accept\n");
  const auto program = compiled(table("tcp dport 80 log prefix \"web\"\ntcp dport 80-81 log drop"));
  EXPECT_TRUE(program->logs());
  EXPECT_FALSE(in_use.rules().logs());
  std::vector<test::Bytes> frames;
  for (const unsigned port : {79U, 81U, 80U}) {
    frames.push_back(tcp(static_cast<std::uint16_t>(port)).bytes());
  }
  std::vector<PacketView> packets;
  packets.reserve(frames.size());
  for (const auto& frame : frames) packets.push_back(parse(frame));
  std::vector<Verdict> verdicts(packets.size());
  Evaluation evaluation(program->counter_slots());
  classify(*program, packets, verdicts, evaluation);
  std::vector<std::pair<int, int>> asked;
  for (std::size_t i = 0; i < evaluation.log_count; ++i) {
    asked.emplace_back(evaluation.log_requests[i].packet, evaluation.log_requests[i].rule);
  }
  EXPECT_EQ(asked, (std::vector<std::pair<int, int>>{{1, 1}, {2, 0}, {2, 1}}));
}

TEST(RuleProgram, CountsTheLogLinesThatABatchLoses) {
  RulesInUse in_use = rules("log");
  constexpr std::size_t kMost = Evaluation::kMaxLogRequests;
  for (std::size_t i = 0; i < kMost + 3; ++i) static_cast<void>(in_use.told(tcp(80)));
  EXPECT_EQ(in_use.evaluation().log_count, kMost);
  EXPECT_EQ(in_use.evaluation().log_lost, 3U);
}

TEST(RuleProgram, PacketsWithoutPortsMatchNoPort) {
  RulesInUse in_use = rules("th dport 0-65535 drop\nmeta l4proto sctp accept");
  EXPECT_EQ(in_use.told(Ethernet{} / Ipv4{.protocol = 132} / Payload(3)), "accept 2");
  EXPECT_EQ(in_use.told(Ethernet{} / Ipv4{.protocol = 132} / Payload(4)), "drop 1");
  EXPECT_EQ(in_use.told(Ethernet{} / Ipv4{.fragment_offset = 9, .protocol = 132} / Payload(64)),
            "accept 2");
}

// Whether a match is found by its boxes or asked by itself makes no difference.
TEST(RuleProgram, BoxesSayWhatTheirMatchesSay) {
  const std::vector<std::string> matches = {"th sport 1-258",        "th dport 2",
                                            "tcp dport != 8080",     "udp sport >= 40000",
                                            "ip saddr != 192.0.2.1", "ip6 saddr 2001:db8::/32",
                                            "meta l4proto != udp",   "ip protocol { 6, 132 }",
                                            "meta protocol != ip",   "ip daddr < 192.0.2.128"};
  const std::vector<Packet> packets = {
      tcp(8080),
      tcp6(80),
      Ethernet{} / Ipv4{} / Udp{},
      Ethernet{} / Ipv6{} / Udp{.source_port = 1},
      Ethernet{} / Ipv4{.protocol = 132} / Payload(2),
      Ethernet{} / Ipv4{.protocol = 132} / Payload(4),
      Ethernet{} / Ipv4{.protocol = 50} / Payload(0),
      Ethernet{} / Ipv4{.fragment_offset = 9, .protocol = 6} / Payload(64)};
  for (const std::string& match : matches) {
    RulesInUse boxed = rules(match + " drop");
    RulesInUse asked = rules("counter " + match + " drop");
    for (std::size_t i = 0; i < packets.size(); ++i) {
      EXPECT_EQ(boxed.told(packets[i]), asked.told(packets[i])) << match << ", packet " << i;
    }
  }
}

}  // namespace
}  // namespace afxfw
