#include "engine/stall_watch.h"

#include <algorithm>

namespace afxfw {

std::vector<std::uint32_t> StallWatch::update(const std::vector<std::uint64_t>& progress,
                                              TimePoint now) {
  std::vector<std::uint32_t> newly_stalled;
  stalled_.clear();
  for (std::uint32_t i = 0; i < std::min(progress.size(), workers_.size()); ++i) {
    Each& each = workers_[i];
    if (progress[i] != each.progress || each.since == TimePoint{}) {
      each = {progress[i], now, false};
      continue;
    }
    if (now - each.since < kLimit) continue;
    if (!each.stalled) newly_stalled.push_back(i);
    each.stalled = true;
    stalled_.push_back(i);
  }
  return newly_stalled;
}

}  // namespace afxfw
