#pragma once

#include <chrono>
#include <string>

#include "replay/replay.h"

namespace afxfw {

/// How far a long replay is, in one line on stderr that is drawn over itself and
/// removed at the end. Only on a terminal; nothing for what is soon done.
class ProgressBar {
 public:
  /// shown: false if something else is printed to the terminal meanwhile.
  explicit ProgressBar(bool shown);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Draws it, if it is time to.
  void update(const ReplayProgress& progress);

  /// Removes it, until the next update.
  void clear() noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  bool shown_;
  bool drawn_ = false;
  Clock::time_point started_ = Clock::now();
  Clock::time_point next_;
};

/// The line itself, without control characters:
/// "[########            ]  41 %  1.2 M packets  3.40 M/s".
[[nodiscard]] std::string progress_line(const ReplayProgress& progress, double seconds);

}  // namespace afxfw
