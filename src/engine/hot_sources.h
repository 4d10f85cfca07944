#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "pipeline/source_ranking.h"
#include "worker/source_windows.h"

namespace afxfw {

/// Whose packets the workers dropped in the last ten seconds: windows of about a second each,
/// so that it shows what is hot now, and a flood that is over is gone.
class HotSources {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kSpan{10};

  /// The workers' windows, which count from `now` on and outlive this.
  HotSources(const std::vector<SourceWindows*>& workers, Clock::time_point now);

  /// Takes windows that have ended and begins new ones. To be called about every second; more
  /// often brings news sooner, and costs nothing.
  void update(Clock::time_point now);

  struct Ranking : SourceRanking {
    double seconds = 0;  ///< in which that was; 0: nothing is known yet
  };
  [[nodiscard]] Ranking rank(Clock::time_point now) const;

 private:
  struct Window {
    Clock::time_point begin;
    Clock::time_point end;
    SourceWindow sources;
  };
  struct OfWorker {
    SourceWindows* counting = nullptr;
    std::deque<Window> windows{};            // the latest last
    Clock::time_point begin{};               // of the window that comes next into `windows`
    std::optional<Clock::time_point> end{};  // of that window, once the worker was asked to end it
  };

  std::vector<OfWorker> workers_;
};

}  // namespace afxfw
