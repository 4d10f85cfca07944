#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

namespace afxfw {

/// Lets so many events an interval through and counts the others. For messages
/// about things that may happen over and over. One thread.
class RateLimit {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  RateLimit(std::uint32_t events, std::chrono::steady_clock::duration interval) noexcept
      : events_(events), interval_(interval) {}

  [[nodiscard]] bool allow(TimePoint now) noexcept {
    if (now - start_ >= interval_) {
      start_ = now;
      used_ = 0;
    }
    if (used_ < events_) {
      ++used_;
      return true;
    }
    ++suppressed_;
    return false;
  }

  /// How many were not let through since the last call.
  [[nodiscard]] std::uint64_t take_suppressed() noexcept { return std::exchange(suppressed_, 0); }

 private:
  std::uint32_t events_;
  std::chrono::steady_clock::duration interval_;
  TimePoint start_{};
  std::uint32_t used_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace afxfw
