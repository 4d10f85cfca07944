// A RuleSet made from a rule file; rule_set_test.cpp has the lists.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/packet.h"
#include "harness/rules.h"
#include "rules/rule_set.h"

namespace afxfw {
namespace {

using test::compiled;
using test::Ethernet;
using test::Ipv4;
using test::Packet;
using test::RulesInUse;
using test::table;
using test::Tcp;

using Handles = std::vector<std::uint32_t>;

Handles handles(const RuleSet& rules) {
  Handles result;
  for (const Rule& rule : rules.rules()) result.push_back(rule.handle);
  return result;
}

std::unique_ptr<const RuleSet> next(const RuleSet& previous, const std::string& text) {
  return compiled(text, {.generation = previous.generation() + 1, .previous = &previous});
}

Packet from(const std::string& source) {
  return Ethernet{} / Ipv4{.source = source} / Tcp{.destination_port = 80};
}

TEST(RuleSetTable, DescribesEachRule) {
  const auto rules = compiled(
      table(
          "ip saddr 192.0.2.0/24 counter packets 3 bytes 200 log prefix \"a\" drop comment \"b\"\n"
          "jump more",
          {.chains = "chain more {\naccept\n}"}),
      {.blocklist = "198.51.100.1"});
  ASSERT_EQ(rules->rules().size(), 5U);
  EXPECT_EQ(rules->rules()[0].text, "ip saddr @blocklist drop");
  EXPECT_EQ(rules->rules()[0].chain, "");
  const Rule& first = rules->rules()[2];
  EXPECT_EQ(first.text, "ip saddr 192.0.2.0/24 counter packets 3 bytes 200 log prefix \"a\" drop");
  EXPECT_EQ(first.comment, "b");
  EXPECT_EQ(first.log_prefix, "a");
  EXPECT_EQ(first.chain, "in");
  EXPECT_EQ(first.initial.bytes, 200U);
  EXPECT_EQ(rules->rules()[4].chain, "more");
}

TEST(RuleSetTable, TheListsAreAskedFirst) {
  RulesInUse in_use(compiled(table("ip saddr 198.51.100.1 accept"), {.blocklist = "198.51.100.1"}));
  EXPECT_EQ(in_use.told(from("198.51.100.1")), "drop blocklist");
}

TEST(RuleSetTable, RulesKeepTheirHandlesOverAReload) {
  const auto first = compiled(table("tcp dport 1 drop\ntcp dport 2 drop\ntcp dport 3 drop"));
  EXPECT_EQ(handles(*first), (Handles{5, 6, 7}));
  const auto second = next(
      *first, table("tcp dport 3 drop\ntcp dport 9 drop\ntcp dport 1 drop\ntcp dport 1 accept"));
  EXPECT_EQ(handles(*second), (Handles{7, 8, 5, 9}));
}

TEST(RuleSetTable, EqualRulesAreToldApartByTheirOrder) {
  const auto first = compiled(table("counter\ntcp dport 1 drop\ncounter"));
  const auto second = next(*first, table("counter\ncounter\ncounter"));
  EXPECT_EQ(handles(*second), (Handles{5, 7, 8}));
}

TEST(RuleSetTable, AnotherChainOrCommentMakesAnotherRule) {
  const auto first = compiled(table("counter comment \"a\""));
  const auto commented = next(*first, table("counter comment \"b\""));
  EXPECT_EQ(handles(*commented), (Handles{6}));
  const auto moved =
      next(*first, table("jump c", {.chains = "chain c {\ncounter comment \"a\"\n}"}));
  EXPECT_EQ(handles(*moved), (Handles{6, 7}));
}

TEST(RuleSetTable, HandlesAreNotUsedAgain) {
  const auto first = compiled(table("tcp dport 1 drop\ntcp dport 2 drop"));
  const auto second = next(*first, table("tcp dport 1 drop"));
  const auto third = next(*second, table("tcp dport 1 drop\ntcp dport 3 drop"));
  EXPECT_EQ(handles(*third), (Handles{5, 7}));
}

TEST(RuleSetTable, HandlesAreNotUsedAgainAfterATimeWithoutRules) {
  const auto first = compiled(table("tcp dport 1 drop\ntcp dport 2 drop"));
  const auto without = compile({}, 2, first.get());
  ASSERT_TRUE(without.has_value());
  const auto third = next(*without->rules, table("tcp dport 3 drop"));
  EXPECT_EQ(handles(*third), (Handles{7}));
}

constexpr const char* kAging =
    "set s { type ipv4_addr; flags timeout; timeout 1m\n"
    "elements = { 192.0.2.1, 192.0.2.2 timeout 10s, 192.0.2.3 timeout 1h expires 30s } }";

TEST(RuleSetTable, ElementsExpire) {
  RulesInUse fresh(compiled(table("ip saddr @s drop", {.sets = kAging})));
  const auto blocked = [](RulesInUse& rules) {
    std::string text;
    for (int i = 1; i <= 3; ++i) {
      const bool drop = rules.told(from("192.0.2." + std::to_string(i))) == "drop 1";
      if (drop) text += std::to_string(i);
    }
    return text;
  };
  EXPECT_EQ(blocked(fresh), "123");
  EXPECT_EQ(fresh.rules().next_expiry_s(), 10U);
  struct Age {
    std::uint64_t age_s;
    std::string blocked;
    std::optional<std::uint64_t> next_expiry_s;
  };
  for (const Age& age :
       {Age{9, "123", 10}, Age{10, "13", 30}, Age{30, "1", 60}, Age{60, "", std::nullopt}}) {
    RulesInUse aged(fresh.rules().aged(2, age.age_s));
    EXPECT_EQ(blocked(aged), age.blocked) << age.age_s << " s";
    EXPECT_EQ(aged.rules().next_expiry_s(), age.next_expiry_s) << age.age_s << " s";
    EXPECT_EQ(aged.rules().generation(), 2U);
    EXPECT_EQ(handles(aged.rules()), handles(fresh.rules()));
  }
}

TEST(RuleSetTable, WithoutTimeoutsNothingExpires) {
  const auto rules = compiled(table("ip saddr @s drop", {.sets = "set s { type ipv4_addr; flags "
                                                                 "timeout; elements = { 192.0.2.1 "
                                                                 "} }"}));
  EXPECT_EQ(rules->next_expiry_s(), std::nullopt);
}

RuleSetSources with_list(const std::string& sets, const std::string& list) {
  RuleSetSources sources;
  sources.rules = nft::SourceFile{"rules.nft", table("ip saddr @s drop", {.sets = sets})};
  sources.set_lists = {{"s", {"list.txt", list}}};
  return sources;
}

TEST(RuleSetTable, AListAddsItsFamilysPrefixesToASet) {
  auto result =
      compile(with_list("set s { type ipv4_addr; flags interval; elements = { 192.0.2.1 } }",
                        "198.51.100.0/24\n2001:db8::/32\n"),
              1);
  ASSERT_TRUE(result.has_value());
  RulesInUse in_use(std::move(result->rules));
  EXPECT_EQ(in_use.told(from("192.0.2.1")), "drop 1");
  EXPECT_EQ(in_use.told(from("198.51.100.200")), "drop 1");
  EXPECT_EQ(in_use.told(from("203.0.113.1")), "accept policy");
}

TEST(RuleSetTable, SaysWhyAListCannotFillASet) {
  const auto error = [](const RuleSetSources& sources) {
    const auto result = compile(sources, 1);
    return result ? "no error" : to_string(result.error());
  };
  EXPECT_NE(error(with_list("set s { type ipv4_addr; }", "192.0.2.1")).find("flags interval"),
            std::string::npos);
  EXPECT_NE(error(with_list("set s { type ipv4_addr; flags interval; }", "192.0.2.1\noops"))
                .find("list.txt:2:1"),
            std::string::npos);
  RuleSetSources unknown = with_list("set s { type ipv4_addr; flags interval; }", "");
  unknown.set_lists.front().first = "t";
  EXPECT_NE(error(unknown).find("no set of this name"), std::string::npos);
  RuleSetSources alone;
  alone.set_lists = {{"s", {"list.txt", ""}}};
  EXPECT_NE(error(alone).find("--rules FILE"), std::string::npos);
}

}  // namespace
}  // namespace afxfw
