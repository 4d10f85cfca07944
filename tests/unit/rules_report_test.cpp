#include "loading/rules_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/rules.h"

namespace afxfw {
namespace {

using test::compiled;
using test::table;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(RulesReport, ListsTheRulesWithTheirHandles) {
  const auto rules = compiled(table("tcp dport 80 counter drop comment \"web\"\njump c",
                                    {.chains = "chain c {\naccept\n}"}),
                              {.blocklist = "192.0.2.0/24\n2001:db8::/32"});
  EXPECT_THAT(rules_report(*rules, 0.0125),
              AllOf(StartsWith("# first: ip saddr @blocklist drop # handle 3\n"
                               "# first: ip6 saddr @blocklist drop # handle 4\n"
                               "table netdev t {\n"),
                    HasSubstr("\t\ttcp dport 80 counter drop comment \"web\" # handle 5\n"
                              "\t\tjump c # handle 6\n\t}\n"),
                    HasSubstr("\t\taccept # handle 7\n"), EndsWith("load time  12.5 ms\n")));
}

TEST(RulesReport, SaysHowLargeThingsAre) {
  const auto rules = compiled(table("ip saddr @s drop\naccept",
                                    {.sets = "set s { type ipv4_addr; flags interval; elements = { "
                                             "10.0.0.0/8, 192.0.2.1 } }",
                                     .chains = "chain c {\n}",
                                     .drop = true}),
                              {.blocklist = "192.0.2.0/24\n198.51.100.1\n2001:db8::/32"});
  EXPECT_THAT(rules_report(*rules, 0),
              AllOf(HasSubstr("\nblocklist  2 IPv4 and 1 IPv6 ranges, "),
                    HasSubstr("\nset        s: 2 elements\n"),
                    HasSubstr("\nchain      in: 2 rules, policy drop\n"),
                    HasSubstr("\nchain      c: 0 rules\n"), HasSubstr("\nmemory     ")));
}

TEST(RulesReport, ShowsOnlyTheBeginningOfALargeSet) {
  std::string elements;
  for (int i = 1; i <= 50; ++i) elements += "192.0.2." + std::to_string(i) + ", ";
  const auto rules = compiled(
      table("accept", {.sets = "set s { type ipv4_addr; elements = { " + elements + "} }"}));
  EXPECT_THAT(rules_report(*rules, 0),
              AllOf(HasSubstr("192.0.2.20 }\n\t\t# and 30 more elements\n"),
                    Not(HasSubstr("192.0.2.21")), HasSubstr("s: 50 elements")));
}

TEST(RulesReport, OfListsAloneHasNoTable) {
  RuleSetSources sources;
  sources.allowlists.push_back({"allow", "192.0.2.1"});
  const auto rules = compile(sources, 1);
  EXPECT_THAT(rules_report(*rules->rules, 0),
              AllOf(StartsWith("# first: ip saddr @allowlist accept # handle 1\n"),
                    Not(HasSubstr("table")), HasSubstr("allowlist  1 IPv4 and 0 IPv6 ranges")));
}

}  // namespace
}  // namespace afxfw
