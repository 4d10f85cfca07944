#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ctl/top_screen.h"

namespace afxfw {

// What top's tables are made of: numbers out of the answers, in the order in which they are shown.
// A rate that isn't known yet is nothing.
using Rate = std::optional<double>;  ///< a second

struct TopQueue {
  std::string label;
  std::string cpu;
  std::string zero_copy;
  std::uint64_t number = 0;
  std::uint64_t received_in_all = 0;
  Rate received, accepted, dropped, reinjected, bits, kernel_drops;
};

struct TopRule {
  std::uint64_t handle = 0;
  std::string text;
  std::uint64_t packets_in_all = 0;
  Rate packets, bits;
};

struct TopSource {
  std::string address;
  std::string reason;
  std::uint64_t at_least = 0;  ///< packets in the window
  std::uint64_t error = 0;     ///< so many more, at most
  double rate = 0;
};

/// Of XDP, before any worker.
struct TopInline {
  Rate passed, dropped, redirected;
};

/// In the order of their numbers.
[[nodiscard]] std::vector<TopQueue> top_queues(const TopSample* before, const TopSample& now);
/// All of them together.
[[nodiscard]] TopQueue top_total(const TopSample* before, const TopSample& now);
/// Those that count.
[[nodiscard]] std::vector<TopRule> top_rules(const TopSample* before, const TopSample& now,
                                             TopView::Sort sort);
[[nodiscard]] std::vector<TopSource> top_sources(const TopSample& now, TopView::Sort sort);
[[nodiscard]] TopInline top_inline(const TopSample* before, const TopSample& now);

}  // namespace afxfw
