#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "pktgen/schedule.h"

namespace afxfw::pktgen {

/// Which frames a thread sends, and how fast all threads together are.
struct Pace {
  std::uint64_t rate = 1;    ///< frames a second over all threads: 1 to 10^9
  std::uint64_t first = 0;   ///< the thread's first frame, counted over all threads
  std::uint64_t stride = 1;  ///< from one of its frames to the next: the number of threads
  std::uint32_t burst = 0;   ///< frames that it sends at once; 0: see Pacer::burst
};

/// A constant rate: frame N of all threads is due N / rate seconds after the
/// start, on whichever thread it is, so that the threads take turns.
class Pacer final : public Schedule {
 public:
  Pacer(Clock::time_point start, const Pace& pace) noexcept : start_(start), pace_(pace) {}

  [[nodiscard]] std::uint64_t due(Clock::time_point now) const noexcept override {
    if (now < start_) return 0;
    // In two parts: rate times nanoseconds would overflow within hours.
    const auto elapsed = now - start_;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(elapsed);
    const auto rest = std::chrono::nanoseconds(elapsed - seconds);
    const std::uint64_t latest =
        static_cast<std::uint64_t>(seconds.count()) * pace_.rate +
        static_cast<std::uint64_t>(rest.count()) * pace_.rate / kNanosecondsPerSecond;
    return latest < pace_.first ? 0 : (latest - pace_.first) / pace_.stride + 1;
  }

  [[nodiscard]] Clock::time_point when(std::uint64_t frame) const noexcept override {
    const std::uint64_t of_all = pace_.first + frame * pace_.stride;
    const std::uint64_t rest = of_all % pace_.rate * kNanosecondsPerSecond;
    return start_ + std::chrono::seconds(of_all / pace_.rate) +
           std::chrono::nanoseconds((rest + pace_.rate - 1) / pace_.rate);
  }

  [[nodiscard]] Clock::time_point next_burst(std::uint64_t sent) const noexcept override {
    return when(sent + burst() - 1);
  }

  /// Frames of a burst: half a millisecond's worth, so that a thread does not
  /// have to wake up oftener, and never more than a veth's queue (256) holds.
  [[nodiscard]] std::uint64_t burst() const noexcept {
    constexpr std::uint64_t kBurstsPerSecond = 2000;
    constexpr std::uint64_t kLongestBurst = 256;
    if (pace_.burst != 0) return pace_.burst;
    return std::clamp<std::uint64_t>(pace_.rate / pace_.stride / kBurstsPerSecond, 1,
                                     kLongestBurst);
  }

 private:
  static constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

  Clock::time_point start_;
  Pace pace_;
};

/// Frames of `duration` at `rate`: those due before its end.
[[nodiscard]] constexpr std::uint64_t frames_within(std::chrono::nanoseconds duration,
                                                    std::uint64_t rate) noexcept {
  constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
  const auto nanoseconds = static_cast<std::uint64_t>(duration.count());
  const std::uint64_t rest = nanoseconds % kNanosecondsPerSecond * rate;
  return nanoseconds / kNanosecondsPerSecond * rate +
         (rest + kNanosecondsPerSecond - 1) / kNanosecondsPerSecond;
}

}  // namespace afxfw::pktgen
