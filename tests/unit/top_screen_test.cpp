#include "ctl/top_screen.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "util/json.h"

namespace afxfw {
namespace {

Json queue(int number, double received, std::uint64_t so_far) {
  return {{"queue", number},
          {"cpu", number + 10},
          {"zero_copy", number % 2 == 1},
          {"received", so_far},
          {"accepted", so_far / 4},
          {"dropped", so_far - so_far / 4},
          {"bytes", so_far * 60},
          {"kernel", {{"rx_dropped", so_far / 10}, {"rx_ring_full", so_far / 10}}},
          {"rates", {{"received", received}}}};
}

Json rule(int handle, const char* text, std::uint64_t packets, std::uint64_t bytes) {
  return {
      {"handle", handle}, {"chain", "in"}, {"text", text}, {"packets", packets}, {"bytes", bytes}};
}

Json source(const char* address, std::uint64_t packets, std::uint64_t error, double rate) {
  return {{"address", address},
          {"reason", "blocklist"},
          {"packets", packets},
          {"error_packets", error},
          {"rate", rate}};
}

TopSample sample(double uptime_s) {
  return {.status = {{"interface", "eth0"},
                     {"xdp_mode", "native"},
                     {"uptime_s", uptime_s},
                     {"ruleset_generation", 7},
                     {"inline", {{"pass", 0}, {"drop", 0}, {"malformed", 0}, {"redirect", 0}}},
                     {"queues", Json::array()},
                     {"total", Json::object()},
                     {"rules", Json::array()}},
          .sources = {{"sketch", "Space-Saving"},
                      {"counters", 256},
                      {"sampled_one_in", 64},
                      {"seconds", 10.2},
                      {"packets", 12'345'678},
                      {"error_bound", 1200},
                      {"sources", Json::array()}}};
}

// As top gets them, from text.
TopSample received(const TopSample& sample) {
  return {parse_json(json_text(sample.status)), parse_json(json_text(sample.sources))};
}

std::vector<ScreenLine> shown(const TopSample* before, const TopSample& now, const TopView& view,
                              ScreenSize size) {
  if (before == nullptr) return top_screen(nullptr, received(now), view, size);
  const TopSample earlier = received(*before);
  return top_screen(&earlier, received(now), view, size);
}

std::vector<std::string> texts(const std::vector<ScreenLine>& lines) {
  std::vector<std::string> result;
  result.reserve(lines.size());
  for (const ScreenLine& line : lines) result.push_back(line.text);
  return result;
}

std::string joined(const std::vector<ScreenLine>& lines) {
  return fmt::format("{}\n", fmt::join(texts(lines), "\n"));
}

// Which of the words come first, in the order of their lines; those that are on none are left out.
std::vector<std::string> order_of(const std::vector<ScreenLine>& lines,
                                  const std::vector<std::string>& words) {
  std::vector<std::string> found;
  for (const ScreenLine& line : lines) {
    for (const std::string& word : words) {
      if (line.text.ends_with(word)) found.push_back(word);
    }
  }
  return found;
}

TEST(TopScreen, ShowsRatesBetweenTheSamples) {
  TopSample before = sample(100);
  TopSample now = sample(93'784.5);
  before.status["uptime_s"] = 93'782.5;
  before.status["queues"] = Json::array({queue(0, 1, 1'000'000), queue(1, 1, 0)});
  now.status["queues"] = Json::array({queue(0, 1, 5'000'000), queue(1, 1, 400)});
  before.status["total"] = {{"received", 1'000'000}, {"kernel_drops", 0}};
  now.status["total"] = {{"received", 5'000'400}, {"kernel_drops", 3000}};
  before.status["inline"]["malformed"] = 10;
  now.status["inline"] = {{"pass", 2}, {"drop", 3000}, {"malformed", 20}, {"redirect", 4'000'400}};
  before.status["rules"] = Json::array({rule(3, "ip saddr @blocklist drop", 100, 6000)});
  now.status["rules"] = Json::array({rule(3, "ip saddr @blocklist drop", 3'000'100, 180'006'000),
                                     {{"handle", 4}, {"text", "accept"}, {"packets", nullptr}}});
  now.sources["sources"] = Json::array(
      {source("198.51.100.7", 10'000'500, 500, 1.1e6), source("2001:db8::7", 64, 63, 6.4)});
  const auto lines = shown(&before, now, {}, {24, 80});
  const std::vector<std::string> expected = {
      "afxfw on eth0: native XDP, up 1d2h3m4s, rules generation 7",
      "XDP: 2.00 M/s to the workers, 1.50 k/s dropped, 1/s passed on",
      "",
      "queue  cpu  zero-copy   recv/s  accept/s   drop/s  reinj/s    bit/s   kdrop/s",
      "    0   10         no   2.00 M     500 k   1.50 M        0    960 M     400 k",
      "    1   11        yes      200        50      150        0   96.0 k        40",
      "  all                   2.00 M         0        0        0        0    1.50 k",
      "",
      "packets/s    bit/s          packets  handle  rule",
      "   1.50 M    720 M        3,000,100       3  ip saddr @blocklist drop",
      "",
      "12.3 M dropped in 10 s: Space-Saving, 256 counters, 1 in 64, error <= 1.20 k",
      "packets/s  packets   + at most  reason     source",
      "   1.10 M   10.0 M         500  blocklist  198.51.100.7",
      "        6        1          63  blocklist  2001:db8::7",
  };
  std::vector<std::string> screen = texts(lines);
  ASSERT_EQ(screen.size(), 24U);
  EXPECT_EQ(screen.back(), "q: quit   h: help   space: pause   p b t n: sort, now by packets/s");
  screen.resize(expected.size());
  EXPECT_EQ(screen, expected);
}

TEST(TopScreen, AtFirstHasTheRatesThatAfxfwMeasured) {
  TopSample now = sample(5);
  now.status["queues"] = Json::array({queue(0, 1'234'000, 5'000'000)});
  now.status["rules"] = Json::array({rule(3, "drop", 7, 420)});
  const std::string screen = joined(shown(nullptr, now, {}, {24, 80}));
  EXPECT_NE(screen.find("   1.23 M"), std::string::npos) << screen;
  EXPECT_NE(screen.find("        -        -                7       3  drop"), std::string::npos)
      << screen;
  EXPECT_EQ(screen.find("  all"), std::string::npos) << "one queue needs no sum\n" << screen;
}

TEST(TopScreen, SortsByWhatIsChosen) {
  TopSample before = sample(1);
  TopSample now = sample(2);
  before.status["rules"] =
      Json::array({rule(1, "old", 1000, 1000), rule(2, "big", 0, 0), rule(3, "many", 0, 0)});
  now.status["rules"] = Json::array(
      {rule(1, "old", 1001, 1001), rule(2, "big", 10, 15'000), rule(3, "many", 100, 6000)});
  now.sources["sources"] =
      Json::array({source("198.51.100.9", 500, 0, 1), source("198.51.100.10", 50, 0, 50),
                   source("2001:db8::1", 900, 890, 2)});
  const std::vector<std::string> rules = {"old", "big", "many"};
  const std::vector<std::string> sources = {"198.51.100.9", "198.51.100.10", "2001:db8::1"};
  const auto orders = [&](TopView::Sort sort) {
    const auto lines = shown(&before, now, {.sort = sort}, {40, 80});
    return std::pair(order_of(lines, rules), order_of(lines, sources));
  };
  using Names = std::vector<std::string>;
  using Sort = TopView::Sort;
  EXPECT_EQ(orders(Sort::kPackets),
            std::pair(Names({"many", "big", "old"}),
                      Names({"198.51.100.10", "2001:db8::1", "198.51.100.9"})));
  EXPECT_EQ(orders(Sort::kBits).first, Names({"big", "many", "old"}));
  EXPECT_EQ(orders(Sort::kTotal),
            std::pair(Names({"old", "many", "big"}),
                      Names({"198.51.100.9", "198.51.100.10", "2001:db8::1"})));
  EXPECT_EQ(orders(Sort::kNumber),
            std::pair(Names({"old", "big", "many"}),
                      Names({"198.51.100.9", "198.51.100.10", "2001:db8::1"})));
}

TEST(TopScreen, CountersThatWereResetGiveNoHugeRate) {
  TopSample before = sample(1);
  TopSample now = sample(2);
  before.status["rules"] = Json::array({rule(1, "drop", 1'000'000, 60'000'000)});
  now.status["rules"] = Json::array({rule(1, "drop", 5, 300)});
  const std::string screen = joined(shown(&before, now, {}, {24, 80}));
  EXPECT_NE(screen.find("        5   2.40 k                5       1  drop"), std::string::npos)
      << screen;
}

TEST(TopScreen, FitsEveryScreen) {
  TopSample now = sample(5);
  for (int i = 0; i < 64; ++i) {
    now.status["queues"].push_back(queue(i, i, 1000));
    now.status["rules"].push_back(rule(i, "ip saddr 198.51.100.0/24 tcp dport 22 drop", 1, 1));
    now.sources["sources"].push_back(source("2001:db8:1234:5678:9abc:def0:1234:5678", 9, 1, 1));
  }
  const TopSample parsed = received(now);
  for (const bool help : {false, true}) {
    for (std::size_t rows = 0; rows < 40; ++rows) {
      for (const std::size_t columns : {0U, 1U, 40U, 200U}) {
        const auto lines = top_screen(nullptr, parsed, {.help = help}, {rows, columns});
        ASSERT_LE(lines.size(), rows);
        for (const ScreenLine& line : lines) ASSERT_LE(line.text.size(), columns);
      }
    }
  }
}

TEST(TopScreen, SharesASmallScreenOutToAllTables) {
  TopSample now = sample(5);
  for (int i = 0; i < 64; ++i) {
    now.status["queues"].push_back(queue(i, i == 40 ? 9000 : i, 1000));
    now.status["rules"].push_back(rule(i, "RULE", 1, 1));
    now.sources["sources"].push_back(source("192.0.2.1", 9, 1, 1));
  }
  const auto lines = shown(nullptr, now, {}, {24, 80});
  const auto count = [&](const char* end) {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const ScreenLine& line) { return line.text.ends_with(end); });
  };
  EXPECT_EQ(count("RULE"), 4);
  EXPECT_EQ(count("192.0.2.1"), 4);
  const std::string screen = joined(lines);
  EXPECT_NE(screen.find("\n   40   50 "), std::string::npos) << "the busiest queue\n" << screen;
  EXPECT_NE(screen.find("and 61 queues with less"), std::string::npos) << screen;
}

TEST(TopScreen, HasNothingThatATerminalWouldObey) {
  TopSample now = sample(5);
  now.status["rules"] = Json::array({rule(1, "log prefix \"\x1b[2J\"", 1, 1)});
  now.sources["sources"] = Json::array({source("\x1b]0;x\x07", 9, 1, 1)});
  for (const ScreenLine& line : shown(nullptr, now, {}, {24, 80})) {
    for (const char c : line.text) ASSERT_TRUE(c >= ' ' && c <= '~') << line.text;
  }
}

TEST(TopScreen, OfSomethingElseIsNoHarm) {
  for (
      const char* strange :
      {"{}", "[]", "1", R"({"queues": 1, "rules": [{}, 5], "inline": [], "total": "x"})",
       R"({"queues": [1, {"kernel": 2}], "sources": [1, {}, {"packets": 1, "error_packets": 9}]})"}) {
    const TopSample odd{parse_json(strange), Json::parse(strange)};
    EXPECT_EQ(shown(&odd, odd, {}, {24, 80}).size(), 24U);
  }
}

TEST(TopScreen, WithoutAScreenIsAsLongAsItTakes) {
  TopSample now = sample(5);
  const std::string text(300, 'x');
  for (int i = 0; i < 64; ++i) now.status["queues"].push_back(queue(i, i, 1000));
  now.status["rules"] = Json::array({rule(1, text.c_str(), 1, 1)});
  const std::string screen = joined(shown(nullptr, now, {}, kNoScreen));
  EXPECT_NE(screen.find("\n   63   73 "), std::string::npos) << screen;
  EXPECT_NE(screen.find(text), std::string::npos) << screen;
  EXPECT_EQ(screen.find("q: quit"), std::string::npos) << screen;
}

TEST(TopScreen, HelpAndNotesAreShown) {
  const std::string help = joined(shown(nullptr, sample(5), {.help = true}, {24, 80}));
  EXPECT_NE(help.find("sort by packets a second"), std::string::npos) << help;
  const auto noted = shown(nullptr, sample(5), {.note = "afxfw does not answer"}, {24, 80});
  EXPECT_EQ(noted.back().text, "afxfw does not answer");
  const auto paused = shown(nullptr, sample(5), {.paused = true}, {24, 80});
  EXPECT_TRUE(paused.back().text.starts_with("PAUSED")) << paused.back().text;
}

}  // namespace
}  // namespace afxfw
