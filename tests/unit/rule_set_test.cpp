#include "rules/rule_set.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace afxfw {
namespace {

RuleSetSources sources(std::vector<std::string> allow, std::vector<std::string> block) {
  RuleSetSources result;
  for (auto& text : allow) result.allowlists.push_back({"allow.txt", std::move(text)});
  for (auto& text : block) result.blocklists.push_back({"block.txt", std::move(text)});
  return result;
}

CompiledRuleSet compiled(const RuleSetSources& from, std::uint64_t generation = 1) {
  auto result = compile(from, generation);
  EXPECT_TRUE(result.has_value()) << to_string(result.error());
  return std::move(*result);
}

template <typename Bits>
Verdict verdict(const RuleSet& rules, Bits address) {
  const ListHits hits = rules.find_in_lists(std::span<const Bits>(&address, 1));
  const unsigned version = sizeof(Bits) == sizeof(Ipv4Bits) ? 4 : 6;
  if (hits.allowed != 0) return rules.on_allowed(version).verdict;
  return hits.blocked != 0 ? rules.on_blocked(version).verdict : Verdict{};
}

Verdict verdict(const RuleSet& rules, std::string_view address) {
  const auto ipv4 = parse_ipv4(address);
  return ipv4 ? verdict(rules, *ipv4) : verdict(rules, *parse_ipv6(address));
}

// "drop blocklist 3": action, reason, and the handle of the rule that decided.
std::string told(const RuleSet& rules, std::string_view address) {
  const Verdict result = verdict(rules, address);
  const std::string_view action = result.action == Action::kAccept ? "accept" : "drop";
  if (result.rule == Verdict::kNoRule)
    return fmt::format("{} {} policy", action, name(result.reason));
  return fmt::format("{} {} {}", action, name(result.reason), rules.rules()[result.rule].handle);
}

using Listing = std::vector<std::string>;

Listing listing(const RuleSet& rules) {
  Listing lines;
  for (const Rule& rule : rules.rules()) {
    lines.push_back(fmt::format("{} {}", rule.handle, rule.text));
  }
  return lines;
}

TEST(RuleSet, WithoutListsAcceptsEverything) {
  const auto result = compiled({}, 7);
  EXPECT_EQ(result.rules->generation(), 7U);
  EXPECT_TRUE(result.rules->rules().empty());
  EXPECT_EQ(told(*result.rules, "192.0.2.1"), "accept none policy");
  EXPECT_EQ(told(*result.rules, "2001:db8::1"), "accept none policy");
}

TEST(RuleSet, DropsWhatTheBlocklistNames) {
  const auto result = compiled(sources({}, {"192.0.2.0/24\n2001:db8:bad::/48\n"}));
  EXPECT_EQ(told(*result.rules, "192.0.2.255"), "drop blocklist 3");
  EXPECT_EQ(told(*result.rules, "192.0.3.0"), "accept none policy");
  EXPECT_EQ(told(*result.rules, "2001:db8:bad::1"), "drop blocklist 4");
  EXPECT_EQ(told(*result.rules, "2001:db8::1"), "accept none policy");
}

TEST(RuleSet, TheAllowlistWinsEvenAgainstALongerPrefix) {
  const auto result = compiled(
      sources({"198.51.100.0/24\n2001:db8::/32"}, {"198.51.100.7\n0.0.0.0/0\n::/0\n2001:db8::1"}));
  EXPECT_EQ(told(*result.rules, "198.51.100.7"), "accept none 1");
  EXPECT_EQ(told(*result.rules, "198.51.101.7"), "drop blocklist 3");
  EXPECT_EQ(told(*result.rules, "2001:db8::1"), "accept none 2");
  EXPECT_EQ(told(*result.rules, "2001:db9::1"), "drop blocklist 4");
}

TEST(RuleSet, ListsTheRulesOfTheListsThatWereGiven) {
  const Listing allow = {"1 ip saddr @allowlist accept", "2 ip6 saddr @allowlist accept"};
  const Listing block = {"3 ip saddr @blocklist drop", "4 ip6 saddr @blocklist drop"};
  Listing both = allow;
  both.insert(both.end(), block.begin(), block.end());
  EXPECT_EQ(listing(*compiled(sources({"192.0.2.1"}, {})).rules), allow);
  EXPECT_EQ(listing(*compiled(sources({}, {"192.0.2.1"})).rules), block);
  EXPECT_EQ(listing(*compiled(sources({"192.0.2.1"}, {"192.0.2.1"})).rules), both);
}

TEST(RuleSet, AnEmptyListStillMakesItsRules) {
  EXPECT_EQ(listing(*compiled(sources({}, {"# nothing yet\n"})).rules).size(), 2U);
}

TEST(RuleSet, JoinsSeveralListsOfAKind) {
  const auto result = compiled(
      sources({"192.0.2.1", "192.0.2.2"}, {"203.0.113.0/25", "203.0.113.128/25\n", "2001:db8::1"}));
  EXPECT_EQ(told(*result.rules, "192.0.2.1"), "accept none 1");
  EXPECT_EQ(told(*result.rules, "192.0.2.2"), "accept none 1");
  EXPECT_EQ(told(*result.rules, "203.0.113.1"), "drop blocklist 3");
  EXPECT_EQ(told(*result.rules, "203.0.113.200"), "drop blocklist 3");
  EXPECT_EQ(told(*result.rules, "2001:db8::1"), "drop blocklist 4");
  EXPECT_EQ(result.rules->blocklist()->ipv4.entries(), 2U);
  EXPECT_EQ(result.rules->blocklist()->ipv4.ranges(), 1U);
  EXPECT_EQ(result.rules->allowlist()->ipv4.entries(), 2U);
  EXPECT_GT(result.rules->memory_bytes(), 0U);
}

TEST(RuleSet, ReportsTheErrorsOfAllListsAtOnce) {
  const auto result =
      compile(sources({"192.0.2.1\noops"}, {"192.0.2.1", "1.2.3\n\n1.2.3.4/40\n"}), 1);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(to_string(result.error()),
            "allow.txt:2:1: not an IPv4 or IPv6 address: 'oops'\n"
            "block.txt:1:6: an IPv4 address has four octets: '1.2.3'\n"
            "block.txt:3:9: prefix length over 32: '1.2.3.4/40'");
}

TEST(RuleSet, SkippedAndClearedLinesAreCountedOverAllLists) {
  RuleSetSources from = sources({"oops\n192.0.2.1/24"}, {"192.0.2.2/24\nalas\n203.0.113.9"});
  from.list_options.skip_bad_lines = true;
  const auto result = compiled(from);
  EXPECT_EQ(result.skipped.total(), 2U);
  EXPECT_EQ(result.host_bits_lines, 2U);
  EXPECT_EQ(told(*result.rules, "203.0.113.9"), "drop blocklist 3");
}

TEST(RuleSet, FindsEachAddressOfABatchInOneList) {
  const auto result = compiled(sources({"192.0.2.1"}, {"192.0.2.0/24"}));
  std::vector<Ipv4Bits> addresses;
  for (std::size_t i = 0; i < kJudgedAtOnce; ++i) {
    addresses.push_back(*parse_ipv4("192.0.2.1") + static_cast<Ipv4Bits>(i % 3 * 128));
  }
  const ListHits hits = result.rules->find_in_lists(std::span<const Ipv4Bits>(addresses));
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    EXPECT_EQ(hits.allowed >> i & 1, i % 3 == 0 ? 1U : 0U) << i;
    EXPECT_EQ(hits.blocked >> i & 1, i % 3 == 1 ? 1U : 0U) << i;
  }
}

ListChange change(ListChange::List list, PrefixChange::Kind kind, std::string_view prefix) {
  return {list, {kind, parse_prefix(prefix)->prefix}};
}

TEST(RuleSet, ChangesItsListsAndSharesAllElse) {
  auto from = sources({"192.0.2.7"}, {"192.0.2.0/24"});
  from.rules = nft::SourceFile{
      "rules.nft",
      "table netdev t { chain c { type filter hook ingress device \"eth0\" priority 0; "
      "tcp dport 22 counter accept; }; }"};
  const auto before = compiled(from).rules;
  using List = ListChange::List;
  using Kind = PrefixChange::Kind;
  const std::vector<ListChange> changes = {
      change(List::kAllow, Kind::kRemove, "192.0.2.7"),
      change(List::kBlock, Kind::kRemove, "192.0.2.64/26"),
      change(List::kBlock, Kind::kAdd, "192.0.2.65"),
      change(List::kBlock, Kind::kAdd, "2001:db8::/32"),
  };
  const auto after = before->with_list_changes(2, changes);
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(after->generation(), 2U);
  EXPECT_EQ(told(*before, "192.0.2.7"), "accept none 1");
  const auto merged = after->with_merged_lists(3);
  for (const RuleSet* rules : {after.get(), merged.get()}) {
    EXPECT_EQ(told(*rules, "192.0.2.7"), "drop blocklist 3");
    EXPECT_EQ(told(*rules, "192.0.2.64"), "accept none policy");
    EXPECT_EQ(told(*rules, "192.0.2.65"), "drop blocklist 3");
    EXPECT_EQ(told(*rules, "2001:db8::1"), "drop blocklist 4");
    EXPECT_EQ(listing(*rules), listing(*before));
    EXPECT_EQ(rules->counter_slots(), before->counter_slots());
    EXPECT_EQ(rules->program(), before->program());
  }
}

TEST(RuleSet, DoesNotChangeListsThatWereNotGiven) {
  const auto rules = compiled(sources({}, {"192.0.2.0/24"})).rules;
  const std::vector<ListChange> changes = {
      change(ListChange::List::kAllow, PrefixChange::Kind::kAdd, "192.0.2.7")};
  EXPECT_EQ(rules->with_list_changes(2, changes), nullptr);
  EXPECT_NE(rules->with_list_changes(2, {}), nullptr);
}

}  // namespace
}  // namespace afxfw
