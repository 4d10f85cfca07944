#include "engine/rate_meter.h"

#include <cstdint>

namespace afxfw {
namespace {

/// Of less, rates would jump about.
constexpr std::chrono::milliseconds kLeast{900};
constexpr double kBitsPerByte = 8;

}  // namespace

void RateMeter::update(Clock::time_point now, const std::vector<WorkerCounters>& counters) {
  const std::chrono::duration<double> passed = now - at_;
  if (passed < kLeast) return;
  at_ = now;
  counters_.resize(counters.size());
  rates_.resize(counters.size());
  for (std::size_t i = 0; i < counters.size(); ++i) {
    const auto rate = [&](std::uint64_t WorkerCounters::*counter) {
      return static_cast<double>(counters[i].*counter - counters_[i].*counter) / passed.count();
    };
    rates_[i] = {.received = rate(&WorkerCounters::received),
                 .accepted = rate(&WorkerCounters::accepted),
                 .dropped = rate(&WorkerCounters::dropped),
                 .reinjected = rate(&WorkerCounters::reinjected),
                 .bits = kBitsPerByte * rate(&WorkerCounters::bytes)};
  }
  counters_ = counters;
}

}  // namespace afxfw
