#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "pktgen/schedule.h"

namespace afxfw::pktgen {

/// How far a run is.
struct Progress {
  std::uint64_t packets = 0;
  std::optional<std::uint64_t> planned;  ///< packets in all, if it is known
};

/// One line on stderr that is drawn over itself and removed at the end. Only if
/// stderr is a terminal.
class ProgressLine {
 public:
  /// verb: what is done with packets: "sent", "received".
  explicit ProgressLine(std::string verb);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Draws it, if it is time to.
  void update(const Progress& progress);

  /// Removes it, until the next update.
  void clear() noexcept;

 private:
  std::string verb_;
  bool shown_;
  bool drawn_ = false;
  Clock::time_point latest_ = Clock::now();
  std::uint64_t packets_ = 0;
};

/// The line itself, without control characters: "1,234,567 of 2,000,000 packets
/// sent, 99.8 k/s, 8 s left".
[[nodiscard]] std::string progress_text(const std::string& verb, const Progress& progress,
                                        double packets_per_second);

}  // namespace afxfw::pktgen
