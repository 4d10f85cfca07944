#pragma once

#include <chrono>
#include <cstdint>

namespace afxfw::pktgen {

using Clock = std::chrono::steady_clock;

/// When a thread's frames are to be sent. What a late thread missed stays due, so
/// that the average rate is right. Immutable; called once a Sender::send.
class Schedule {
 public:
  Schedule() = default;
  virtual ~Schedule() = default;
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  /// How many of the thread's frames should have been sent by `now`.
  [[nodiscard]] virtual std::uint64_t due(Clock::time_point now) const noexcept = 0;

  /// When the thread's frame number `frame`, from 0, is due.
  [[nodiscard]] virtual Clock::time_point when(std::uint64_t frame) const noexcept = 0;

  /// When the next burst after `sent` frames is due, all of it.
  [[nodiscard]] virtual Clock::time_point next_burst(std::uint64_t sent) const noexcept = 0;
};

}  // namespace afxfw::pktgen
