#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace afxfw {

/// Decides when to say that a counter grows which should not: at once when it
/// starts to, then once in a while with what was added in between, so that a
/// condition that lasts is neither forgotten nor fills the log.
class GrowthAlarm {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Between two reports of one condition. Long enough that a day of it is some
  /// thousand lines, short enough that it is seen to go on.
  static constexpr std::chrono::seconds kPause{60};

  /// What to report.
  struct Growth {
    std::uint64_t amount = 0;
    double seconds = 0;  ///< in which it came together
  };

  /// To be called with the counter's value every second or so; the counter
  /// starts at 0. A value behind the last one counts as no growth.
  [[nodiscard]] std::optional<Growth> update(std::uint64_t value, TimePoint now) noexcept;

 private:
  std::uint64_t reported_ = 0;
  std::optional<TimePoint> quiet_at_;     // the last call that had nothing to add to reported_
  std::optional<TimePoint> reported_at_;  // nullopt: never
};

}  // namespace afxfw
