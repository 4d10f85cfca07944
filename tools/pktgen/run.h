#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pktgen/capture.h"
#include "pktgen/progress_line.h"
#include "pktgen/schedule.h"
#include "pktgen/transmission.h"
#include "util/error.h"

namespace afxfw::pktgen {

/// When a run ends by itself, and how fast it goes; over all threads.
///
/// With a rate and a duration it is the frames due within the duration that are
/// sent, all of them: a sender that is behind goes on for up to a tenth of the
/// duration, at least 100 ms.
struct RunLimits {
  std::optional<std::uint64_t> count;
  std::optional<std::chrono::nanoseconds> duration;
  std::optional<std::uint64_t> rate;
  std::uint32_t burst = 0;  ///< frames sent at once at that rate, on time to a microsecond
                            ///< or so by spinning; 0: half a millisecond's worth, by sleeping
  const Capture* capture = nullptr;  ///< whose times are kept, on one lane, without a rate
  double speed = 1;                  ///< times the capture's pace; more than 0
};

enum class End {
  kCount,     ///< all frames were sent
  kDuration,  ///< the time was up
  kSignal,    ///< asked to stop
  kStalled,   ///< the driver took nothing for a second
  kError,     ///< something failed
};

/// How well a schedule was kept. A frame counts as sent when the call that sent it
/// had returned.
struct Lateness {
  std::uint64_t frames = 0;          ///< sent more than kLate after they were due
  std::chrono::nanoseconds most{0};  ///< of any frame
  static constexpr auto kLate = std::chrono::milliseconds(1);
};

struct LaneResult {
  int cpu = 0;
  SendResult total;
};

struct RunResult {
  End end = End::kCount;
  SendResult total;
  std::optional<std::uint64_t> planned;  ///< frames that were to be sent, if it was known
  Lateness late;
  std::chrono::nanoseconds elapsed{};  ///< from the start to the last frame
  std::vector<LaneResult> lanes;
  std::optional<Error> error;  ///< with kError
};

/// Sends on a thread a lane until a limit is reached or `stop_fd` becomes
/// readable. on_progress: called some times a second on the calling thread.
/// Throws nothing that happens while sending: see RunResult.
[[nodiscard]] RunResult run(Transmission& transmission, const RunLimits& limits, int stop_fd,
                            const std::function<void(const Progress&)>& on_progress);

}  // namespace afxfw::pktgen
