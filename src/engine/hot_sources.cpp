#include "engine/hot_sources.h"

#include <algorithm>
#include <utility>

namespace afxfw {
namespace {

/// Of less, rates would jump about.
constexpr std::chrono::milliseconds kLeastWindow{900};

/// A worker that has not begun a new window for so long does not run; its last one tells
/// nothing about now.
constexpr std::chrono::seconds kLatest{3};

}  // namespace

HotSources::HotSources(const std::vector<SourceWindows*>& workers, Clock::time_point now) {
  for (SourceWindows* each : workers) workers_.push_back({.counting = each, .begin = now});
}

void HotSources::update(Clock::time_point now) {
  for (OfWorker& worker : workers_) {
    if (worker.end) {
      if (const SpaceSaving* sketch = worker.counting->finished()) {
        Window window{worker.begin, *worker.end, {}};
        const auto counters = sketch->counters();
        window.sources = {
            .counters = {counters.begin(), counters.end()},
            .total = sketch->total(),
            .most_missed = sketch->most_missed(),
            .seconds = std::chrono::duration<double>(window.end - window.begin).count()};
        worker.windows.push_back(std::move(window));
        worker.begin = *worker.end;
        worker.end.reset();
      }
    }
    if (!worker.end && now - worker.begin >= kLeastWindow) {
      worker.counting->ask();
      worker.end = now;
    }
    while (!worker.windows.empty() && worker.windows.front().end <= now - kSpan) {
      worker.windows.pop_front();
    }
  }
}

HotSources::Ranking HotSources::rank(Clock::time_point now) const {
  std::vector<SourceWindow> windows;
  Clock::time_point begin = now;
  Clock::time_point end{};
  for (const OfWorker& worker : workers_) {
    for (const Window& each : worker.windows) {
      begin = std::min(begin, each.begin);
      end = std::max(end, each.end);
      windows.push_back(each.sources);
      windows.back().latest = &each == &worker.windows.back() && each.end >= now - kLatest;
    }
  }
  Ranking ranking;
  static_cast<SourceRanking&>(ranking) = afxfw::rank(windows);
  if (!windows.empty()) ranking.seconds = std::chrono::duration<double>(end - begin).count();
  return ranking;
}

}  // namespace afxfw
