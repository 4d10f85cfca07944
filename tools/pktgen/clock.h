#pragma once

#include <time.h>

#include <cstdint>

namespace afxfw::pktgen {

[[nodiscard]] inline std::int64_t read_clock_ns(clockid_t clock) noexcept {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  timespec now{};
  // Cannot fail: both of our clocks always exist.
  clock_gettime(clock, &now);
  return now.tv_sec * kNanosecondsPerSecond + now.tv_nsec;
}

/// CLOCK_MONOTONIC, as bpf_ktime_get_ns reads it.
[[nodiscard]] inline std::uint64_t monotonic_ns() noexcept {
  return static_cast<std::uint64_t>(read_clock_ns(CLOCK_MONOTONIC));
}

/// What to add to a CLOCK_REALTIME for CLOCK_MONOTONIC, to some 50 ns. It changes
/// when the time of day is set, not while NTP slews: that slews both.
[[nodiscard]] inline std::int64_t realtime_to_monotonic_ns() noexcept {
  std::int64_t best = 0;
  std::int64_t shortest = INT64_MAX;
  // The quickest of some readings is the one least disturbed.
  for (int i = 0; i < 4; ++i) {
    const std::int64_t before = read_clock_ns(CLOCK_MONOTONIC);
    const std::int64_t realtime = read_clock_ns(CLOCK_REALTIME);
    const std::int64_t after = read_clock_ns(CLOCK_MONOTONIC);
    if (after - before < shortest) {
      shortest = after - before;
      best = before + (after - before) / 2 - realtime;
    }
  }
  return best;
}

}  // namespace afxfw::pktgen
