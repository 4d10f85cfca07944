#include <gtest/gtest.h>

#include <string>

#include "control/stats_json.h"
#include "control/stats_table.h"
#include "engine/snapshot.h"
#include "pipeline/inline_summary.h"
#include "util/json.h"

namespace afxfw {
namespace {

Snapshot two_queues() {
  Snapshot snapshot;
  snapshot.interface = "eth0";
  snapshot.uptime_s = 10;
  snapshot.ruleset_generation = 3;
  snapshot.inline_counters[AFXFW_PASS_NOT_IP] = {1, 60};
  snapshot.inline_counters[AFXFW_PASS_NEIGHBOUR] = {2, 172};
  snapshot.inline_counters[AFXFW_DROP_PROTOCOL] = {10, 1000};
  snapshot.inline_counters[AFXFW_DROP_PORT] = {20, 2000};
  snapshot.inline_counters[AFXFW_DROP_MALFORMED] = {3, 300};
  snapshot.inline_counters[AFXFW_REDIRECT] = {160, 16000};
  snapshot.inline_counters[AFXFW_FALLBACK] = {5, 500};
  for (std::uint32_t i = 0; i < 2; ++i) {
    QueueSnapshot queue;
    queue.queue_id = i;
    queue.cpu = static_cast<int>(i);
    queue.counters.received = 70;
    queue.counters.bytes = 7000;
    queue.counters.accepted = 60;
    queue.counters.dropped = 10;
    queue.counters.drop_reasons[static_cast<std::size_t>(DropReason::kBlocklist)] = 9;
    queue.counters.drop_reasons[static_cast<std::size_t>(DropReason::kMalformed)] = 1;
    queue.counters.reinjected = 58;
    queue.counters.tx_full = 2;
    queue.kernel.rx_dropped = 4;
    queue.kernel.rx_ring_full = 6;
    snapshot.queues.push_back(queue);
  }
  snapshot.rules.push_back(
      {{.handle = 3, .text = "ip saddr @blocklist drop", .slot = 0}, {18, 1800}});
  return snapshot;
}

// The names are an interface: scripts read them.
TEST(StatsJson, HasTheDocumentedShape) {
  const auto json = parse_json(to_json(two_queues()));
  EXPECT_EQ(json.at("interface"), "eth0");
  EXPECT_EQ(json.at("xdp_mode"), "native");
  EXPECT_EQ(json.at("uptime_s"), 10.0);
  EXPECT_EQ(json.at("ruleset_generation"), 3);
  const auto& xdp = json.at("inline");
  EXPECT_EQ(xdp.at("pass"), 3);
  EXPECT_EQ(xdp.at("drop"), 30);
  EXPECT_EQ(xdp.at("redirect"), 160);
  EXPECT_EQ(xdp.at("fallback"), 5);
  EXPECT_EQ(xdp.at("malformed"), 3);
  ASSERT_EQ(json.at("queues").size(), 2U);
  const auto& queue = json.at("queues").at(1);
  EXPECT_EQ(queue.at("queue"), 1);
  EXPECT_EQ(queue.at("cpu"), 1);
  EXPECT_EQ(queue.at("zero_copy"), false);
  EXPECT_EQ(queue.at("received"), 70);
  EXPECT_EQ(queue.at("tx_full"), 2);
  const auto& total = json.at("total");
  EXPECT_EQ(total.at("received"), 140);
  EXPECT_EQ(total.at("accepted"), 120);
  EXPECT_EQ(total.at("dropped"), 20);
  EXPECT_EQ(total.at("reinjected"), 116);
  EXPECT_EQ(total.at("tx_full"), 4);
  EXPECT_EQ(total.at("bytes"), 14000);
  EXPECT_EQ(total.at("kernel_drops"), 20);
  const auto& reasons = json.at("drop_reasons");
  EXPECT_EQ(reasons.at("blocklist"), 18);
  EXPECT_EQ(reasons.at("rule"), 0);
  EXPECT_EQ(reasons.at("policy"), 0);
  EXPECT_EQ(reasons.at("malformed"), 2);
  EXPECT_FALSE(reasons.contains("none"));
  const auto& rule = json.at("rules").at(0);
  EXPECT_EQ(rule.at("handle"), 3);
  EXPECT_EQ(rule.at("text"), "ip saddr @blocklist drop");
  EXPECT_EQ(rule.at("packets"), 18);
  EXPECT_EQ(rule.at("bytes"), 1800);
}

TEST(StatsJson, IsOneLine) { EXPECT_EQ(to_json(two_queues()).find('\n'), std::string::npos); }

std::uint64_t action(const InlineSummary& summary, const std::string& wanted) {
  for (const NamedCounter& each : summary.actions) {
    if (each.name == wanted) return each.counter.packets;
  }
  ADD_FAILURE() << "no action " << wanted;
  return 0;
}

TEST(InlineSummary, WhatXdpDecidesByItselfIsApart) {
  Snapshot snapshot = two_queues();
  snapshot.inline_counters[AFXFW_PASS_FLOW] = {1000, 60000};
  snapshot.inline_counters[AFXFW_REDIRECT_NEW_FLOW] = {7, 700};
  snapshot.inline_counters[AFXFW_DROP_PUSHED_IPV4] = {400, 24000};
  snapshot.inline_counters[AFXFW_DROP_PUSHED_IPV6] = {50, 3000};
  snapshot.fast_path_flows = 2048;
  snapshot.push_down_most = 16;
  snapshot.push_down_sources = 3;
  snapshot.queues[0].counters.flows_added = 4;
  snapshot.queues[1].counters.flows_added = 5;
  snapshot.queues[1].counters.flows_failed = 1;
  const InlineSummary summary = summarise(snapshot.inline_counters, AFXFW_FALLBACK_PASS);
  EXPECT_EQ(action(summary, "PASS"), 3U + 5U + 1000U);
  EXPECT_EQ(action(summary, "DROP"), 30U + 3U + 450U);
  EXPECT_EQ(action(summary, "REDIRECT"), 160U + 7U);
  const auto json = parse_json(to_json(snapshot));
  const auto& xdp = json.at("inline");
  EXPECT_EQ(xdp.at("fast_path"), 1000);
  EXPECT_EQ(xdp.at("push_down"), 450);
  EXPECT_EQ(xdp.at("bytes").at("push_down"), 27000);
  EXPECT_EQ(xdp.at("redirect"), 167) << "misses are part of it";
  EXPECT_EQ(xdp.at("drop"), 30) << "by the inline policy";
  EXPECT_EQ(json.at("fast_path"), parse_json(R"({"flows": 2048, "hits": 1000,
                                   "misses": 7, "added": 9, "failed": 1})"));
  EXPECT_EQ(json.at("push_down"), parse_json(R"({"most": 16, "sources": 3,
                                   "packets": 450, "bytes": 27000})"));
  Snapshot before = two_queues();
  const std::string table = interval_table(before, snapshot);
  EXPECT_NE(table.find("hit 1,000"), std::string::npos) << table;
  EXPECT_NE(table.find("dropped 450"), std::string::npos) << table;
  EXPECT_NE(table.find("sources 3 of 16"), std::string::npos) << table;
}

TEST(InlineSummary, FallbackCountsUnderTheActionItHas) {
  const Snapshot snapshot = two_queues();
  const InlineSummary passing = summarise(snapshot.inline_counters, AFXFW_FALLBACK_PASS);
  EXPECT_EQ(action(passing, "PASS"), 3U + 5U);
  EXPECT_EQ(action(passing, "DROP"), 30U + 3U);
  const InlineSummary dropping = summarise(snapshot.inline_counters, AFXFW_FALLBACK_DROP);
  EXPECT_EQ(action(dropping, "PASS"), 3U);
  EXPECT_EQ(action(dropping, "DROP"), 30U + 3U + 5U);
  EXPECT_EQ(action(dropping, "REDIRECT"), 160U);
  EXPECT_EQ(action(dropping, "TX"), 0U);
  EXPECT_EQ(action(dropping, "ABORTED"), 0U);
}

TEST(StatsTable, RatesAreBetweenTheSnapshots) {
  const Snapshot before = two_queues();
  Snapshot now = before;
  now.uptime_s += 2;
  now.queues[0].counters.received += 3'000'000;
  const std::string table = interval_table(before, now);
  EXPECT_NE(table.find("1.50 M"), std::string::npos) << table;
  EXPECT_NE(table.find("3,000,070"), std::string::npos) << table;
}

TEST(StatsTable, SummaryNamesWhatWasDropped) {
  const std::string table = summary_table(two_queues());
  EXPECT_NE(table.find("dropped: blocklist"), std::string::npos) << table;
  EXPECT_EQ(table.find("dropped: policy"), std::string::npos) << "a reason that never occurred";
}

}  // namespace
}  // namespace afxfw
