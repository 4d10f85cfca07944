#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace afxfw::pktgen {

using Clock = std::chrono::steady_clock;

/// The schedule of a thread that sends `rate` frames a second: frame N is due
/// N / rate seconds after the start. What a late thread missed stays due, so
/// that the average rate is right.
class Pacer {
 public:
  /// rate: 1 to 10^9 frames a second.
  Pacer(Clock::time_point start, std::uint64_t rate) noexcept : start_(start), rate_(rate) {}

  /// Frames that should have been sent by `now`, counted from the start.
  [[nodiscard]] std::uint64_t due(Clock::time_point now) const noexcept {
    if (now < start_) return 0;
    // In two parts: rate times nanoseconds would overflow within hours.
    const auto elapsed = now - start_;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(elapsed);
    const auto rest = std::chrono::nanoseconds(elapsed - seconds);
    return static_cast<std::uint64_t>(seconds.count()) * rate_ +
           static_cast<std::uint64_t>(rest.count()) * rate_ / kNanosecondsPerSecond + 1;
  }

  /// When the next burst after `sent` frames is due, all of it.
  [[nodiscard]] Clock::time_point next_burst(std::uint64_t sent) const noexcept {
    const std::uint64_t last = sent + burst() - 1;
    const std::uint64_t rest = last % rate_ * kNanosecondsPerSecond;
    return start_ + std::chrono::seconds(last / rate_) +
           std::chrono::nanoseconds((rest + rate_ - 1) / rate_);
  }

  /// Frames of a burst: half a millisecond's worth, so that a thread does not
  /// have to wake up oftener, and never more than a veth's queue (256) holds.
  [[nodiscard]] std::uint64_t burst() const noexcept {
    constexpr std::uint64_t kBurstsPerSecond = 2000;
    constexpr std::uint64_t kLongestBurst = 256;
    return std::clamp<std::uint64_t>(rate_ / kBurstsPerSecond, 1, kLongestBurst);
  }

 private:
  static constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

  Clock::time_point start_;
  std::uint64_t rate_;
};

}  // namespace afxfw::pktgen
