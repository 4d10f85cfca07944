#include <gtest/gtest.h>

#include <string>

#include "ctl/capture.h"
#include "ctl/text.h"
#include "util/json.h"

namespace afxfw {
namespace {

TEST(CtlText, ASetLooksAsNftListsIt) {
  const Json set = parse_json(R"({
    "name": "bad", "type": "ipv4_addr", "flags": ["interval", "timeout"], "elements": [
      {"element": "192.0.2.0/24", "packets": 3, "bytes": 180},
      {"element": "198.51.100.7", "timeout_s": 600, "expires_s": 492, "comment": "ssh guesses"}],
    "removed": ["203.0.113.0/24"]})");
  EXPECT_EQ(set_text(set),
            "set bad {\n"
            "\ttype ipv4_addr\n"
            "\tflags interval, timeout\n"
            "\telements = { 192.0.2.0/24 counter packets 3 bytes 180,\n"
            "\t             198.51.100.7 timeout 10m expires 8m12s comment \"ssh guesses\" }\n"
            "\t# of these, taken away at run time:\n"
            "\t#   203.0.113.0/24\n"
            "}\n");
}

TEST(CtlText, SetsAreALineEach) {
  const Json answer = parse_json(R"({"sets": [
    {"name": "blocklist", "type": "ipv4_addr, ipv6_addr", "elements": 120430,
     "run_time": {"added": 3, "removed": 1}},
    {"name": "web", "type": "ipv4_addr", "elements": 1, "run_time": {"added": 0, "removed": 0}}]})");
  EXPECT_EQ(
      sets_text(answer),
      "blocklist  ipv4_addr, ipv6_addr      120,430 ranges, 3 added at run time, 1 taken away\n"
      "web        ipv4_addr                 1 element\n");
}

TEST(CtlText, StatusHasWhatXdpDecidesByItself) {
  const std::string text = status_text(parse_json(R"({
    "interface": "eth0", "queues": [], "total": {},
    "fast_path": {"flows": 65536, "hits": 12345, "misses": 6, "added": 7, "failed": 0},
    "push_down": {"most": 16, "sources": 3, "packets": 2000, "bytes": 120000}})"));
  for (const char* part :
       {"fast path: flows 65,536   hits 12,345   misses 6   added 7   failed 0\n",
        "push-down: most 16   sources 3   packets 2,000   bytes 120,000\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "in\n" << text;
  }
}

TEST(CtlText, StatusHasWhatMatters) {
  const Json status = parse_json(R"({
    "interface": "eth0", "xdp_mode": "native", "uptime_s": 93784.5, "ruleset_generation": 7,
    "inline": {"pass": 1, "drop": 1234, "redirect": 5, "bytes": {"pass": 60}},
    "inline_drop_reasons": {"protocol": 1000, "port": 234},
    "queues": [{"queue": 0, "cpu": 3, "zero_copy": true, "received": 5, "accepted": 2, "dropped": 3,
                "tx_full": 0, "kernel": {"rx_dropped": 4, "rx_ring_full": 5},
                "rates": {"received": 1500000, "bits": 720000000}}],
    "total": {}, "drop_reasons": {"blocklist": 3, "rule": 0},
    "load": {"at": 0, "by": "root", "goes_back_at": 60},
    "sets": [{"name": "blocklist", "elements": 2}],
    "rules": [{"handle": 3, "text": "ip saddr @blocklist drop", "packets": 3, "bytes": 180},
              {"handle": 4, "text": "ip6 saddr @blocklist drop", "packets": 1, "bytes": 60},
              {"handle": 5, "text": "accept", "packets": null}]
})");
  const std::string text = status_text(status);
  for (const char* part :
       {"eth0: filtering since 1d2h3m4s, native XDP, rules generation 7\n", "by root\n",
        "unless: afxfwctl confirm\n", "  XDP      pass 1   drop 1,234   redirect 5\n",
        "dropped by protocol 1,000   port 234\n", "  dropped  blocklist 3   rule 0\n",
        "  sets     blocklist  2 ranges\n", "    0    3       yes    1.50 M",
        "  3 packets                  180 bytes  ip saddr @blocklist drop\n",
        "  1 packet                    60 bytes  ip6 saddr @blocklist drop\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "in\n" << text;
  }
  EXPECT_EQ(text.find("accept\n"), std::string::npos) << "a rule that does not count";
  EXPECT_EQ(text.find("fast path"), std::string::npos) << "off";
}

TEST(CtlText, OfSomethingElseIsNoHarm) {
  for (const char* strange :
       {"{}", R"({"queues": 1, "sets": [1, "x", {"name": 5}], "rules": [{}], "load": []})",
        R"({"elements": [1, {}], "flags": [1], "removed": [2], "run_time": 3})"}) {
    const Json json = parse_json(strange);
    EXPECT_FALSE(status_text(json).empty());
    EXPECT_FALSE(sets_text(json).empty());
    EXPECT_FALSE(set_text(json).empty());
    EXPECT_FALSE(event_text(json).empty());
    EXPECT_FALSE(rules_text(json).empty());
  }
}

TEST(CtlText, TotalsOfACaptureSayWhatWasLostAndWhy) {
  CaptureTotals totals{.written = 1'234, .complete = true};
  EXPECT_EQ(totals_text(totals, false),
            "1,234 packets captured\n0 packets dropped by the capture\n");
  totals = {.written = 1, .filtered_out = 2, .over_rate = 1, .complete = true};
  EXPECT_EQ(totals_text(totals, true),
            "1 packet captured\n2 packets did not match the filter\n"
            "1 packet dropped by the capture: 1 over the rate that afxfw copies\n");
  totals = {.written = 0, .over_rate = 5, .too_slow = 1'000, .complete = false};
  EXPECT_EQ(totals_text(totals, false),
            "0 packets captured\nat least 1,005 packets dropped by the capture: 5 over the rate "
            "that afxfw copies, 1,000 not taken fast enough\n");
}

TEST(CtlText, DurationsHaveTheirUnits) {
  EXPECT_EQ(duration_text(0), "0s");
  EXPECT_EQ(duration_text(59), "59s");
  EXPECT_EQ(duration_text(492), "8m12s");
  EXPECT_EQ(duration_text(3600), "1h");
  EXPECT_EQ(duration_text(93'784), "1d2h3m4s");
}

}  // namespace
}  // namespace afxfw
