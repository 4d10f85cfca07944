#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pktgen/pacer.h"
#include "pktgen/transmission.h"
#include "util/error.h"

namespace afxfw::pktgen {

/// When a run ends by itself, and how fast it goes; over all threads.
struct RunLimits {
  std::optional<std::uint64_t> count;
  std::optional<std::chrono::nanoseconds> duration;
  std::optional<std::uint64_t> rate;
};

enum class End {
  kCount,     ///< all frames were sent
  kDuration,  ///< the time was up
  kSignal,    ///< asked to stop
  kStalled,   ///< the driver took nothing for a second
  kError,     ///< something failed
};

struct LaneResult {
  int cpu = 0;
  SendResult total;
};

struct RunResult {
  End end = End::kCount;
  SendResult total;
  std::chrono::nanoseconds elapsed{};  ///< from the start to the last frame
  std::vector<LaneResult> lanes;
  std::optional<Error> error;  ///< with kError
};

/// Sends on a thread a lane until a limit is reached or `stop_fd` becomes
/// readable. Throws nothing that happens while sending: see RunResult.
[[nodiscard]] RunResult run(Transmission& transmission, const RunLimits& limits, int stop_fd);

}  // namespace afxfw::pktgen
