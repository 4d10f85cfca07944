#include "control/metrics_text.h"

#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace afxfw {
namespace {

using testing::HasSubstr;

Snapshot one_queue() {
  Snapshot snapshot;
  snapshot.interface = "eth0";
  snapshot.uptime_s = 12.5;
  snapshot.ruleset_generation = 3;
  snapshot.inline_counters[AFXFW_PASS_NOT_IP] = {1, 60};
  snapshot.inline_counters[AFXFW_PASS_NEIGHBOUR] = {2, 172};
  snapshot.inline_counters[AFXFW_DROP_PORT] = {20, 2000};
  snapshot.inline_counters[AFXFW_REDIRECT] = {160, 16000};
  QueueSnapshot queue;
  queue.queue_id = 5;
  queue.cpu = 2;
  queue.counters.received = 18'000'000'000'000'000'000U;
  queue.counters.bytes = 7000;
  queue.counters.drop_reasons[static_cast<std::size_t>(DropReason::kBlocklist)] = 9;
  queue.kernel.rx_dropped = 4;
  queue.kernel.rx_ring_full = 6;
  snapshot.queues.push_back(queue);
  snapshot.rules.push_back(
      {{.handle = 7, .text = R"(log prefix "a\b" drop)", .chain = "in", .slot = 0}, {18, 1800}});
  snapshot.rules.push_back({{.handle = 8, .text = "accept"}, {0, 0}});
  return snapshot;
}

std::string text() { return metrics_text(one_queue(), "1.2.3"); }

TEST(MetricsText, CountersAreExactAndHaveTheirLabels) {
  EXPECT_THAT(text(), HasSubstr("afxfw_received_packets_total{interface=\"eth0\",queue=\"5\"} "
                                "18000000000000000000\n"));
  EXPECT_THAT(text(), HasSubstr("afxfw_dropped_packets_total{interface=\"eth0\",queue=\"5\","
                                "reason=\"blocklist\"} 9\n"));
  EXPECT_THAT(text(),
              HasSubstr("afxfw_inline_packets_total{interface=\"eth0\",outcome=\"pass\"} 3\n"));
  EXPECT_THAT(text(),
              HasSubstr("afxfw_inline_bytes_total{interface=\"eth0\",outcome=\"drop\"} 2000\n"));
  EXPECT_THAT(text(), HasSubstr("afxfw_kernel_dropped_packets_total{interface=\"eth0\","
                                "queue=\"5\",cause=\"ring_full\"} 6\n"));
  EXPECT_THAT(text(), HasSubstr("afxfw_uptime_seconds{interface=\"eth0\"} 12.5\n"));
  EXPECT_THAT(text(), HasSubstr("version=\"1.2.3\""));
}

// A rule without a counter has no count, which is not 0.
TEST(MetricsText, RulesWithACounterHaveTheirTextEscaped) {
  EXPECT_THAT(text(), HasSubstr("afxfw_rule_packets_total{interface=\"eth0\",handle=\"7\","
                                "chain=\"in\",rule=\"log prefix \\\"a\\\\b\\\" drop\"} 18\n"));
  EXPECT_THAT(text(), HasSubstr("rule=\"log prefix \\\"a\\\\b\\\" drop\"} 1800\n"));
  EXPECT_EQ(text().find("handle=\"8\""), std::string::npos);
}

TEST(MetricsText, ALineEndInALabelIsEscaped) {
  Snapshot snapshot = one_queue();
  snapshot.rules[0].rule.text = "a\nb";
  EXPECT_THAT(metrics_text(snapshot, ""), HasSubstr("rule=\"a\\nb\"} 18\n"));
}

// https://prometheus.io/docs/instrumenting/exposition_formats/
TEST(MetricsText, EveryLineIsInTheFormatAndEverySampleIsOnceThere) {
  const std::regex help(R"(# HELP (\w+) \S.*)");
  const std::regex type(R"(# TYPE (\w+) (counter|gauge))");
  const std::regex sample(
      R"re((\w+)(\{\w+="(?:[^"\\]|\\[\\"n])*"(?:,\w+="(?:[^"\\]|\\[\\"n])*")*\}) [0-9.]+)re");
  std::set<std::string> samples;
  std::map<std::string, std::string> types;
  std::string current;
  std::istringstream lines(text());
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      current = match[1];
      EXPECT_FALSE(types.contains(current)) << "a metric's samples stand together: " << line;
    } else if (std::regex_match(line, match, type)) {
      EXPECT_EQ(match[1], current) << line;
      types[current] = match[2];
    } else {
      ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
      EXPECT_EQ(match[1], current) << line;
      EXPECT_TRUE(samples.insert(match[1].str() + match[2].str()).second) << "twice: " << line;
    }
  }
  for (const auto& [metric, kind] : types) {
    EXPECT_EQ(metric.ends_with("_total"), kind == "counter") << metric;
  }
  EXPECT_GT(samples.size(), 30U);
}

}  // namespace
}  // namespace afxfw
