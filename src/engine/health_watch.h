#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "engine/snapshot.h"
#include "util/growth_alarm.h"

namespace afxfw {

/// Looks at the queues' counters for what an operator must hear of: packets
/// that are lost because something cannot keep up, and counts that only a bug
/// explains. Each condition is reported when it starts and then once a minute
/// while it lasts.
class HealthWatch {
 public:
  explicit HealthWatch(std::size_t queues) : alarms_(queues) {}

  /// One sentence a condition, without a newline, that names the interface, the
  /// queue and what helps. queues: always the same ones. To be called every
  /// second or so.
  [[nodiscard]] std::vector<std::string> check(const std::string& interface,
                                               const std::vector<QueueSnapshot>& queues,
                                               std::chrono::steady_clock::time_point now);

 private:
  /// One for each condition that a queue can have.
  struct Alarms {
    GrowthAlarm fill_ring_empty;
    GrowthAlarm kernel_drops;
    GrowthAlarm tx_full;
    GrowthAlarm bad_frames;
  };

  std::vector<Alarms> alarms_;  // by position in `queues`
};

}  // namespace afxfw
