#include "rules/nft_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rules/nft_listing.h"

namespace afxfw::nft {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Files = std::map<std::string, std::string>;

tl::expected<Table, TextErrors> parse(const std::string& text, const Files& files = {}) {
  return parse_rules(
      {"rules.nft", text},
      [&](const std::string& path) -> tl::expected<std::vector<SourceFile>, std::string> {
        const auto found = files.find(path);
        if (found == files.end()) return tl::unexpected(std::string("no such file"));
        return std::vector<SourceFile>{{path, found->second}};
      });
}

constexpr const char* kHook = "type filter hook ingress device \"eth0\" priority 0; policy drop;\n";

std::string in_table(const std::string& lines) { return "table netdev t {\n" + lines + "\n}\n"; }

// The rule in a base chain, on line 4.
std::string in_chain(const std::string& rule) {
  return in_table(std::string("chain in {\n") + kHook + rule + "\n}");
}

/// The rule as afxfw writes it, or what is wrong with it.
std::string normalised(const std::string& rule) {
  const auto table = parse(in_chain(rule));
  if (!table) return to_string(table.error());
  return table->chains.front().rules.empty() ? "" : to_text(table->chains.front().rules.front());
}

std::string errors(const std::string& text, const Files& files = {}) {
  const auto table = parse(text, files);
  return table ? "no error" : to_string(table.error());
}

std::string rule_error(const std::string& rule) { return errors(in_chain(rule)); }

struct Case {
  std::string written;
  std::string listed;
};

class NftRule : public testing::TestWithParam<Case> {};

TEST_P(NftRule, IsListedInOneForm) {
  EXPECT_EQ(normalised(GetParam().written), GetParam().listed);
  EXPECT_EQ(normalised(GetParam().listed), GetParam().listed);
}

INSTANTIATE_TEST_SUITE_P(
    Matches, NftRule,
    testing::Values(Case{"ip saddr 192.0.2.1 drop", "ip saddr 192.0.2.1 drop"},
                    Case{"ip saddr 192.0.2.77/24", "ip saddr 192.0.2.0/24"},
                    Case{"ip saddr 192.0.2.0-192.0.2.255", "ip saddr 192.0.2.0/24"},
                    Case{"ip saddr 192.0.2.1 - 192.0.2.9", "ip saddr 192.0.2.1-192.0.2.9"},
                    Case{"ip daddr != { 192.0.2.1,198.51.100.0/24 }",
                         "ip daddr != { 192.0.2.1, 198.51.100.0/24 }"},
                    Case{"ip6 saddr 2001:DB8::/32 accept", "ip6 saddr 2001:db8::/32 accept"},
                    Case{"ip6 saddr 2001:db8::1-2001:db8::5", "ip6 saddr 2001:db8::1-2001:db8::5"},
                    Case{"ip saddr & 0.0.0.255 == 0.0.0.1", "ip saddr & 0.0.0.255 == 0.0.0.1"},
                    Case{"tcp dport {80-90, https}", "tcp dport { 80-90, 443 }"},
                    Case{"tcp sport >= 1024 tcp dport lt 5", "tcp sport >= 1024 tcp dport < 5"},
                    Case{"udp length 8-0x20", "udp length 8-32"},
                    Case{"th dport 53", "th dport 53"}, Case{"tcp flags syn", "tcp flags syn"},
                    Case{"tcp flags syn,ack", "tcp flags syn | ack"},
                    Case{"tcp flags == syn", "tcp flags == syn"},
                    Case{"tcp flags syn / syn,ack", "tcp flags & (syn | ack) == syn"},
                    Case{"tcp flags & (fin|syn) != 0", "tcp flags & (fin | syn) != 0x0"},
                    Case{"tcp flags ! rst", "tcp flags ! rst"},
                    Case{"tcp flags {syn, syn|ack}", "tcp flags { syn, syn | ack }"},
                    Case{"icmp type 8 icmp code 0",
                         "icmp type echo-request icmp code net-unreachable"},
                    Case{"icmpv6 type { nd-redirect, 1 }",
                         "icmpv6 type { nd-redirect, destination-unreachable }"},
                    Case{"icmp type 0-8", "icmp type 0-8"}, Case{"ip dscp 0x2e", "ip dscp ef"},
                    Case{"ip6 dscp != cs1", "ip6 dscp != cs1"},
                    Case{"ip frag-off & 0x1fff != 0", "ip frag-off & 0x1fff != 0"},
                    Case{"meta l4proto {6, icmpv6}", "meta l4proto { tcp, ipv6-icmp }"},
                    Case{"meta protocol vlan", "meta protocol 8021q"},
                    Case{"ether type 0x88cc", "ether type 0x88cc"},
                    Case{"ether saddr 2:0:0:0:0:a", "ether saddr 02:00:00:00:00:0a"},
                    Case{"vlan id 1-4095", "vlan id 1-4095"},
                    Case{"ip saddr . tcp dport { 192.0.2.1 . 80, 198.51.100.0/24 . 1-9 } drop",
                         "ip saddr . tcp dport { 192.0.2.1 . 80, 198.51.100.0/24 . 1-9 } drop"}));

INSTANTIATE_TEST_SUITE_P(
    Statements, NftRule,
    testing::Values(Case{"counter", "counter"},
                    Case{"counter packets 5 bytes 6", "counter packets 5 bytes 6"},
                    Case{"limit rate 10/second", "limit rate 10/second burst 5 packets"},
                    Case{"limit rate over 10 / minute burst 7 packets drop",
                         "limit rate over 10/minute burst 7 packets drop"},
                    Case{"limit rate 2 mbytes/hour burst 1 kbytes",
                         "limit rate 2097152 bytes/hour burst 1024 bytes"},
                    Case{"log prefix \"a: b\" drop", "log prefix \"a: b\" drop"},
                    Case{"log", "log"},
                    Case{"counter tcp dport 80 accept", "counter tcp dport 80 accept"},
                    Case{"return", "return"}, Case{"continue", "continue"}));

TEST(NftParser, ReadsAWholeTable) {
  const std::string listed =
      "table netdev t {\n"
      "\tset bad {\n"
      "\t\ttype ipv4_addr\n"
      "\t\tflags interval,timeout\n"
      "\t\ttimeout 1h30m\n"
      "\t\tauto-merge\n"
      "\t\tcounter\n"
      "\t\tcomment \"some\"\n"
      "\t\telements = { 192.0.2.0/24 timeout 5m comment \"x\",\n"
      "\t\t\t     198.51.100.1-198.51.100.5 }\n"
      "\t}\n"
      "\n"
      "\tchain in {\n"
      "\t\ttype filter hook ingress devices = { \"eth0\", \"eth1\" } priority filter + 5; policy "
      "drop;\n"
      "\t\tip saddr @bad drop comment \"bad ones\"\n"
      "\t\tjump web\n"
      "\t}\n"
      "\n"
      "\tchain web {\n"
      "\t\ttcp dport 443 accept\n"
      "\t}\n"
      "}\n";
  const auto table = parse(listed);
  ASSERT_TRUE(table) << to_string(table.error());
  EXPECT_EQ(to_text(*table), listed);
}

TEST(NftParser, PutsChainsThatComeInPiecesTogether) {
  const auto table = parse(in_chain("counter") + in_table("chain in {\naccept\n}"));
  ASSERT_TRUE(table) << to_string(table.error());
  EXPECT_EQ(table->chains.front().rules.size(), 2U);
}

TEST(NftParser, ReplacesWhatIsDefined) {
  const std::string text = "define web = { 80, 443 }\ndefine open = { $web, 22 }\n" +
                           in_chain("tcp dport $web accept; tcp dport { $open, 8080 } drop");
  const auto table = parse(text);
  ASSERT_TRUE(table) << to_string(table.error());
  EXPECT_EQ(to_text(table->chains.front().rules[0]), "tcp dport { 80, 443 } accept");
  EXPECT_EQ(to_text(table->chains.front().rules[1]), "tcp dport { 80, 443, 22, 8080 } drop");
}

TEST(NftParser, ReadsIncludedFilesInTheirPlace) {
  const Files files = {{"./more.nft", "tcp dport 22 accept\ninclude \"./last.nft\"\n"},
                       {"./last.nft", "counter"}};
  const auto table = parse(in_chain("accept\ninclude \"./more.nft\"\ndrop"), files);
  ASSERT_TRUE(table) << to_string(table.error());
  std::vector<std::string> rules;
  for (const RuleText& rule : table->chains.front().rules) rules.push_back(to_text(rule));
  EXPECT_THAT(rules, testing::ElementsAre("accept", "tcp dport 22 accept", "counter", "drop"));
}

TEST(NftParser, NamesThePlaceInAnIncludedFile) {
  const Files files = {{"./more.nft", "counter\nip saddr foo\n"}};
  EXPECT_THAT(errors(in_chain("include \"./more.nft\""), files),
              StartsWith("./more.nft:2:10: expected an IPv4 address: 'foo'"));
}

TEST(NftParser, StopsAtFilesThatIncludeThemselves) {
  EXPECT_THAT(errors("include \"./loop\"\n", {{"./loop", "include \"./loop\"\n"}}),
              HasSubstr("does one include itself?"));
}

TEST(NftParser, StopsAtDefinitionsThatGrowWithoutBound) {
  std::string text = "define x0 = { 1, 2 }\n";
  for (int i = 1; i < 40; ++i) {
    text += "define x" + std::to_string(i) + " = { $x" + std::to_string(i - 1) + ", $x" +
            std::to_string(i - 1) + " }\n";
  }
  EXPECT_THAT(errors(text + in_chain("tcp dport $x39")), HasSubstr("too long"));
}

TEST(NftParser, ReportsAllErrors) {
  const std::string text = in_table(
      "set a { type ipv5_addr; }\n"
      "set b { flags intervals; }\n"
      "chain in {\n" +
      std::string(kHook) +
      "ip saddr 192.0.2\n"
      "tcp dport 80 drop\n"
      "ct state new accept\n"
      "ip ttl 300\n"
      "}\n");
  EXPECT_EQ(errors(text),
            "rules.nft:2:14: afxfw's sets hold ipv4_addr, ipv6_addr, ether_addr, inet_service, "
            "inet_proto: 'ipv5_addr'\n"
            "rules.nft:3:15: expected a flag: interval, timeout or constant: 'intervals'\n"
            "rules.nft:6:10: expected an IPv4 address: '192.0.2'\n"
            "rules.nft:8:1: connection tracking begins behind this hook; match tcp flags instead, "
            "or keep this rule in nft: 'ct'\n"
            "rules.nft:9:8: expected a number, at most 255: '300'");
}

struct Refusal {
  std::string rule;
  std::string why;
};

class NftRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(NftRefusal, SaysWhereAndWhy) {
  EXPECT_THAT(rule_error(GetParam().rule), HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    Rules, NftRefusal,
    testing::Values(
        Refusal{"ip saddr 10.0.0.0/33", "4:19: expected a prefix length up to 32: '33'"},
        Refusal{"ip saddr 10.0.0.9-10.0.0.1", "4:10: this range ends before it begins"},
        Refusal{"tcp dport 65536", "4:11: expected a port or service name, at most 65535"},
        Refusal{"tcp port 80",
                "4:5: afxfw does not know this field of tcp; it knows: sport, dport, flags"},
        Refusal{"tcp dport vmap { 22 : accept }", "expected a port or service name"},
        Refusal{"accept drop", "4:8: nothing but a comment can follow a verdict: 'drop'"},
        Refusal{"ip saddr 192.0.2.1 ip6 saddr ::1",
                "4:20: a match before leaves no packet that has ip6 saddr"},
        Refusal{"udp dport 53 tcp dport 80", "leaves no packet that has tcp dport"},
        Refusal{"ip saddr @nowhere drop", "there is no set of this name: '@nowhere'"},
        Refusal{"ip saddr @blocklist drop", "afxfw asks this set by itself"},
        Refusal{"jump nowhere", "4:6: there is no chain of this name: 'nowhere'"},
        Refusal{"reject", "write: drop"},
        Refusal{"meta iifname eth0", "afxfw does not know this field of meta"},
        Refusal{"limit rate 0/second", "at least 1"},
        Refusal{"limit rate 10/fortnight", "expected a rate such as 10/second"},
        Refusal{"limit rate 10 kbytes/second burst 4 packets", "expected bytes, kbytes or mbytes"},
        Refusal{"limit rate 1/week burst 4294967295 packets", "too large"},
        Refusal{"log prefix \"unclosed", "does not end on its line"},
        Refusal{"ip saddr { }", "a set without elements matches nothing"},
        Refusal{"ip saddr . tcp dport 192.0.2.1", "compare a concatenation with a set"},
        Refusal{"ip saddr $nothing", "write: define nothing = "},
        Refusal{"tcp flags & syn | ack == syn", "put parentheses around"},
        Refusal{"ip saddr >= 10.0.0.0/8", "only a single value can stand here"},
        Refusal{"ip saddr { 192.0.2.1 timeout 5s }", "flags timeout"},
        Refusal{"\x01\x02 drop", "this means nothing here"}));

TEST(NftParser, RefusesTablesThatMeanNothingToIt) {
  EXPECT_THAT(errors(""), HasSubstr("expected a table: table netdev NAME"));
  EXPECT_THAT(errors("table inet t {\n}\n"),
              HasSubstr("1:7: afxfw has tables of the netdev family"));
  EXPECT_THAT(errors("table netdev t {\n"), HasSubstr("1:16: this '{' is never closed"));
  EXPECT_THAT(errors(in_table("}")), HasSubstr("nothing is open"));
  EXPECT_THAT(errors(in_table("chain a {\naccept\n}")), HasSubstr("no chain has a hook"));
  EXPECT_THAT(errors("flush ruleset\n" + in_chain("accept")), HasSubstr("leave this line out"));
  EXPECT_THAT(errors(in_table("chain counter {\n}")), HasSubstr("this is a word of the language"));
}

TEST(NftParser, RefusesSetsWhoseElementsCannotBe) {
  const auto with = [](const std::string& set) {
    return errors(in_table("set s { " + set + "; }\nchain in {\n" + kHook + "}"));
  };
  EXPECT_THAT(with("type ipv4_addr; elements = { 10.0.0.0/8 }"), HasSubstr("flags interval"));
  EXPECT_THAT(with("type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 10.1.0.0/16 }"),
              HasSubstr("2:66: this element overlaps the one at 2:54; auto-merge"));
  EXPECT_THAT(with("type ipv4_addr; auto-merge"), HasSubstr("auto-merge needs: flags interval"));
  EXPECT_THAT(with("type ipv4_addr; elements = { 10.0.0.1 timeout 5s }"),
              HasSubstr("flags timeout"));
  EXPECT_THAT(with("type ipv4_addr; elements = { 10.0.0.1 counter }"), HasSubstr("line: counter"));
  EXPECT_THAT(with("type ipv4_addr . inet_service; elements = { 10.0.0.1 }"),
              HasSubstr("expected '.' between the 2 parts"));
}

TEST(NftParser, RefusesChainsThatCallEachOther) {
  EXPECT_THAT(errors(in_chain("jump a") + in_table("chain a {\njump b\n}\nchain b {\ngoto a\n}")),
              HasSubstr("leads back to where it came from"));
  std::string chains;
  for (int i = 0; i < 20; ++i) {
    chains += "chain c" + std::to_string(i) + " {\njump c" + std::to_string(i + 1) + "\n}\n";
  }
  EXPECT_THAT(errors(in_chain("jump c0") + in_table(chains + "chain c20 {\n}")),
              HasSubstr("more than 16 deep"));
}

}  // namespace
}  // namespace afxfw::nft
