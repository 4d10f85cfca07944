#include "rules/rule_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/rules.h"

namespace afxfw {
namespace {

using test::compiled;
using test::table;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// The first rule stands in line 5 of the table.
std::vector<std::string> warnings(const std::string& rules, const test::TableText& more = {}) {
  return find_warnings(*compiled(table(rules, more)));
}

constexpr const char* kMacs = "set m { type ether_addr; elements = { 02:00:00:00:00:07 } }";
constexpr const char* kSet = "set s { type ipv4_addr; elements = { 192.0.2.1 } }";

TEST(RuleWarnings, ARuleWhoseMatchesExcludeEachOther) {
  for (const char* rule :
       {"tcp dport 80 tcp dport 81 drop", "ip saddr 192.0.2.0/25 ip saddr 192.0.2.128/25 drop",
        "th sport 1-5 tcp sport 6-9 accept", "ip6 saddr fe80::/10 ip6 saddr 2001:db8::/32 counter",
        "ip ttl 5 tcp dport 80 counter tcp dport 81 drop",
        "meta l4proto != tcp meta l4proto != 0-5 meta l4proto != 7-255 drop"}) {
    EXPECT_THAT(warnings(rule), ElementsAre(AllOf(StartsWith("rules.nft:5:1: "),
                                                  HasSubstr("this rule can never match: "))))
        << rule;
  }
}

TEST(RuleWarnings, ARuleWhosePacketsAllEndEarlier) {
  for (const char* rules :
       {"tcp dport 1-100 accept\ntcp dport 80 drop", "accept\nudp dport 53 counter",
        "ip saddr 192.0.2.0/24 return\nip saddr 192.0.2.1 tcp dport 80 drop",
        "meta l4proto tcp drop\ntcp flags syn counter accept",
        "ip ttl 5 drop\ntcp dport 80 ip ttl 5 accept", "tcp dport 80 drop\ntcp dport 80 drop",
        "ip saddr @s drop\nip saddr @s tcp dport 80 accept",
        "ether type arp drop\nether type arp accept"}) {
    EXPECT_THAT(
        warnings(rules, {.sets = kSet}),
        testing::Contains(AllOf(StartsWith("rules.nft:6:1: "),
                                HasSubstr("can never match: all its packets end at line 5"))))
        << rules;
  }
}

TEST(RuleWarnings, AnEarlierRuleOfAnotherChainEndsNothing) {
  EXPECT_THAT(warnings("jump other\ntcp dport 80 drop", {.chains = "chain other {\naccept\n}"}),
              IsEmpty());
}

TEST(RuleWarnings, OtherRulesAreNotSuspected) {
  for (const char* rules :
       {"tcp dport 80 drop\ntcp dport 80-81 accept",  // a part of them
        "tcp dport 80 counter\ntcp dport 80 drop",    // goes on
        "tcp dport 80 continue\ntcp dport 80 drop",   //
        "tcp dport 80 log\ntcp dport 80 drop",        //
        "limit rate 5/second accept\ndrop",           // only some
        "tcp dport 80 limit rate over 5/second drop\ntcp dport 80 accept",
        "ip ttl 5 drop\nip ttl 6 drop",                      // what boxes cannot say
        "ip saddr @s drop\nip saddr 192.0.2.1 drop",         //
        "ip saddr @s drop\nip daddr @s drop",                //
        "tcp flags syn drop\nmeta l4proto tcp accept",       //
        "ip saddr 192.0.2.1 drop\nip6 saddr ::1 drop",       // the other family
        "th dport 53 drop\nmeta l4proto { tcp, udp } drop",  // fragments have no ports
        "tcp dport 80 accept\nmeta l4proto tcp drop",        //
        "meta protocol ip accept\nmeta protocol ip6 drop",   //
        "udp dport 1-50 drop\nudp dport 51-100 drop\nudp dport 1-100 counter"}) {
    EXPECT_THAT(warnings(rules, {.sets = kSet}), IsEmpty()) << rules;
  }
}

// A rule that does not name what keeps a link alive is not asked about it.
TEST(RuleWarnings, RulesThatNameLinkTrafficStillGetItBehindThoseThatDoNot) {
  for (const char* rules :
       {"accept\nether type 0x88cc drop", "accept\nmeta protocol 0x88cc drop",
        "drop\nether type arp accept", "drop\nicmpv6 type nd-neighbor-solicit accept",
        "meta l4proto ipv6-icmp drop\nicmpv6 type 133-137 counter",
        "meta length > 0 accept\nether saddr 02:00:00:00:00:07 drop",
        "meta protocol ip accept\nmeta protocol 0x88cc drop",
        "ether saddr @m meta protocol { ip, ip6 } drop\nether saddr @m meta protocol vlan accept",
        "ether type ip6 drop\nicmpv6 type 133-137 accept"}) {
    EXPECT_THAT(warnings(rules, {.sets = kMacs}), IsEmpty()) << rules;
  }
}

TEST(RuleWarnings, InOtherChainsThanTheFirstLinkTrafficIsAskedByAll) {
  EXPECT_THAT(warnings("ether type arp goto link",
                       {.chains = "chain link {\naccept\nether type arp drop\n}"}),
              ElementsAre(HasSubstr("can never match")));
  EXPECT_THAT(warnings("ether type != ip goto link",
                       {.chains = "chain link {\nmeta protocol { ip, ip6 } accept\ncounter\n}"}),
              IsEmpty());
}

TEST(RuleWarnings, RulesThatDropWhatKeepsALinkAlive) {
  EXPECT_THAT(warnings("ether type arp drop"),
              ElementsAre(AllOf(HasSubstr("ether type arp drop"), HasSubstr("drops ARP"))));
  EXPECT_THAT(warnings("icmpv6 type nd-neighbor-solicit drop"),
              ElementsAre(HasSubstr("drops neighbour solicitations")));
  EXPECT_THAT(warnings("icmpv6 code 0 drop"), SizeIs(5));
  EXPECT_THAT(warnings("ether type != ip jump c", {.chains = "chain c {\ndrop\n}"}),
              ElementsAre(HasSubstr("drops ARP")));
  EXPECT_THAT(warnings("ether type arp accept\nether type != ip drop\nicmpv6 type 1-4 drop"),
              IsEmpty());
}

TEST(RuleWarnings, APolicyOfDropMeansSomethingElseToNft) {
  EXPECT_THAT(warnings("tcp dport 22 accept", {.drop = true}),
              ElementsAre(StartsWith("policy drop: nft would drop ARP")));
}

TEST(RuleWarnings, ListsAloneGiveNone) {
  RuleSetSources sources;
  sources.blocklists.push_back({"block", "0.0.0.0/0\n::/0"});
  EXPECT_THAT(find_warnings(*compile(sources, 1)->rules), IsEmpty());
}

}  // namespace
}  // namespace afxfw
