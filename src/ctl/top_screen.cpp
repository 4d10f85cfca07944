#include "ctl/top_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "ctl/json_fields.h"
#include "ctl/text.h"
#include "ctl/top_tables.h"
#include "util/number_text.h"
#include "util/printable.h"

namespace afxfw {
namespace {

using Lines = std::vector<ScreenLine>;
using Sort = TopView::Sort;
using Style = ScreenLine::Style;

std::string rate_text(const Rate& rate) { return rate ? scaled(*rate) : "-"; }

std::string row_text(const TopQueue& row) {
  return fmt::format("{:>5}{:>5}{:>11}{:>9}{:>10}{:>9}{:>9}{:>9}{:>10}", row.label, row.cpu,
                     row.zero_copy, rate_text(row.received), rate_text(row.accepted),
                     rate_text(row.dropped), rate_text(row.reinjected), rate_text(row.bits),
                     rate_text(row.kernel_drops));
}

std::string row_text(const TopRule& row) {
  return fmt::format("{:>9}{:>9}{:>17}{:>8}  {}", rate_text(row.packets), rate_text(row.bits),
                     grouped(row.packets_in_all), row.handle, row.text);
}

/// Counts, too, with three digits: more would be made up, of samples.
std::string row_text(const TopSource& row) {
  return fmt::format("{:>9}{:>9}{:>12}  {:<9}  {}", scaled(row.rate),
                     scaled(static_cast<double>(row.at_least)),
                     scaled(static_cast<double>(row.error)), row.reason, row.address);
}

/// What the table of sources is worth, in 80 columns.
std::string sources_title(const Json& sources) {
  return fmt::format("{} dropped in {:.0f} s: {}, {} counters, 1 in {}, error <= {}",
                     scaled(static_cast<double>(number(sources, "packets"))),
                     real(sources, "seconds"), printable(text(sources, "sketch")),
                     number(sources, "counters"), number(sources, "sampled_one_in"),
                     scaled(static_cast<double>(number(sources, "error_bound"))));
}

std::string keys_text(const TopView& view) {
  if (!view.note.empty()) return view.note;
  constexpr std::array<const char*, 4> kSorts = {"packets/s", "bit/s", "packets", "number"};
  return fmt::format("{}q: quit   h: help   space: {}   p b t n: sort, now by {}",
                     view.paused ? "PAUSED   " : "", view.paused ? "go on" : "pause",
                     kSorts[static_cast<std::size_t>(view.sort)]);
}

Lines help_lines() {
  const char* const kText[] = {
      "p        sort by packets a second",
      "b        by bits a second; sources by packets a second",
      "t        by packets in all; sources by packets of the last ten seconds",
      "n        rules as they are evaluated; sources by address",
      "< >      the order before, the next one; so do the arrow keys",
      "space    pause; again: go on",
      "h ?      this help",
      "q        quit",
      "",
      "kdrop/s  lost by the kernel, because the worker's rings were full",
      "rates    of sources are those of the last second; their packets, of ten seconds",
      "packets  of a source: so many are certain, and at most as many more as it says",
      "error    no source is further off, and none that is missing sent more",
      "1 in 64  packets are looked at when there are many: chance comes on top, with",
      "         a standard deviation of 8 times the square root of the packets",
  };
  Lines lines{{"afxfwctl top", Style::kTitle}, {}};
  for (const char* each : kText) lines.push_back({each});
  return lines;
}

/// Shares out `room` lines to tables that want so many: nobody gets more than it wants, and
/// the ones that want most give way first.
template <std::size_t kTables>
std::array<std::size_t, kTables> share(std::array<std::size_t, kTables> wanted, std::size_t room) {
  while (std::accumulate(wanted.begin(), wanted.end(), std::size_t{0}) > room) {
    auto most = std::max_element(wanted.begin(), wanted.end());
    if (*most == 0) break;
    --*most;
  }
  return wanted;
}

/// The queues that there is room for: those with the most, in their order, and a line that says
/// how many there are besides.
Lines queue_lines(std::vector<TopQueue> rows, Sort sort, std::size_t room) {
  Lines lines;
  const std::size_t all = rows.size();
  if (all > room) {
    const auto busier = [sort](const TopQueue& a, const TopQueue& b) {
      if (sort == Sort::kNumber) return a.number < b.number;
      if (sort == Sort::kTotal) return a.received_in_all > b.received_in_all;
      return sort == Sort::kBits ? a.bits > b.bits : a.received > b.received;
    };
    std::stable_sort(rows.begin(), rows.end(), busier);
    rows.resize(room == 0 ? 0 : room - 1);
    std::sort(rows.begin(), rows.end(),
              [](const TopQueue& a, const TopQueue& b) { return a.number < b.number; });
  }
  for (const TopQueue& row : rows) lines.push_back({row_text(row)});
  if (all > room && room > 0) {
    lines.push_back({fmt::format("      and {} queues with less", all - rows.size())});
  }
  return lines;
}

template <typename Row>
void append(Lines& lines, const std::vector<Row>& rows, std::size_t room, const char* if_none) {
  for (std::size_t i = 0; i < std::min(rows.size(), room); ++i)
    lines.push_back({row_text(rows[i])});
  if (rows.empty()) lines.push_back({if_none});
}

void fit(Lines& lines, ScreenSize size) {
  if (lines.size() > size.rows) lines.resize(size.rows);
  for (ScreenLine& line : lines) {
    if (line.text.size() > size.columns) line.text.resize(size.columns);
    while (line.style == Style::kPlain && line.text.ends_with(' ')) line.text.pop_back();
  }
}

Lines main_lines(const TopSample* before, const TopSample& now, const TopView& view,
                 ScreenSize size) {
  std::vector<TopQueue> queues = top_queues(before, now);
  std::vector<TopRule> rules = top_rules(before, now, view.sort);
  std::vector<TopSource> sources = top_sources(now, view.sort);
  const TopInline xdp = top_inline(before, now);
  const bool several = queues.size() > 1;

  // Everything but the rows.
  const std::size_t fixed = 9 + (several ? 1 : 0) + (size.rows == kNoScreen.rows ? 0 : 2);
  const auto [queue_room, rule_room, source_room] =
      share<3>({queues.size(), std::max<std::size_t>(1, std::min(rules.size(), view.count)),
                std::max<std::size_t>(1, std::min(sources.size(), view.count))},
               size.rows - std::min(size.rows, fixed));

  Lines lines;
  const Json& status = now.status;
  lines.push_back(
      {fmt::format("afxfw on {}: {} XDP, up {}, rules generation {}",
                   printable(text(status, "interface")), printable(text(status, "xdp_mode")),
                   duration_text(static_cast<std::uint64_t>(real(status, "uptime_s"))),
                   number(status, "ruleset_generation")),
       Style::kTitle});
  lines.push_back(
      {fmt::format("XDP: {}/s to the workers, {}/s dropped, {}/s passed on",
                   rate_text(xdp.redirected), rate_text(xdp.dropped), rate_text(xdp.passed))});
  lines.push_back({});
  lines.push_back(
      {fmt::format("{:>5}{:>5}{:>11}{:>9}{:>10}{:>9}{:>9}{:>9}{:>10}", "queue", "cpu", "zero-copy",
                   "recv/s", "accept/s", "drop/s", "reinj/s", "bit/s", "kdrop/s"),
       Style::kHeading});
  for (ScreenLine& line : queue_lines(std::move(queues), view.sort, queue_room)) {
    lines.push_back(std::move(line));
  }
  if (several) lines.push_back({row_text(top_total(before, now))});
  lines.push_back({});
  lines.push_back(
      {fmt::format("{:>9}{:>9}{:>17}{:>8}  {}", "packets/s", "bit/s", "packets", "handle", "rule"),
       Style::kHeading});
  append(lines, rules, rule_room, "          no rule counts packets");
  lines.push_back({});
  lines.push_back({sources_title(now.sources), Style::kTitle});
  lines.push_back({fmt::format("{:>9}{:>9}{:>12}  {:<9}  {}", "packets/s", "packets", "+ at most",
                               "reason", "source"),
                   Style::kHeading});
  append(lines, sources, source_room, "          nothing was dropped by a worker");
  return lines;
}

}  // namespace

std::vector<ScreenLine> top_screen(const TopSample* before, const TopSample& now,
                                   const TopView& view, ScreenSize size) {
  Lines lines = view.help ? help_lines() : main_lines(before, now, view, size);
  if (size.rows != kNoScreen.rows && size.rows > 1) {
    lines.resize(size.rows - 1);
    lines.push_back({view.help ? "any key: back" : keys_text(view), Style::kHeading});
  }
  fit(lines, size);
  return lines;
}

}  // namespace afxfw
