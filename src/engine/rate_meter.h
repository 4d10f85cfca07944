#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "engine/snapshot.h"

namespace afxfw {

/// How fast the queues' counters grow, second by second.
class RateMeter {
 public:
  using Clock = std::chrono::steady_clock;

  /// Counts from now on, when all counters are 0.
  explicit RateMeter(Clock::time_point now) : at_(now) {}

  /// To be told about every second or so; more often changes nothing.
  void update(Clock::time_point now, const std::vector<WorkerCounters>& counters);

  /// Of a queue, as last measured.
  [[nodiscard]] QueueRates of(std::size_t queue) const {
    return queue < rates_.size() ? rates_[queue] : QueueRates{};
  }

 private:
  Clock::time_point at_;
  std::vector<WorkerCounters> counters_;  // at that time
  std::vector<QueueRates> rates_;
};

}  // namespace afxfw
