#include "rules/interval_set.h"

#include <algorithm>
#include <utility>

namespace afxfw {

using nft::Interval;
using nft::Value;

IntervalSet::IntervalSet(std::vector<Interval> intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.low < b.low; });
  for (const Interval& next : intervals) {
    // Nothing comes behind the largest value there is, hence the subtraction.
    if (!intervals_.empty() && (next.low == 0 || next.low - 1 <= intervals_.back().high)) {
      intervals_.back().high = std::max(intervals_.back().high, next.high);
    } else {
      intervals_.push_back(next);
    }
  }
}

IntervalSet IntervalSet::complement(unsigned bits) const {
  IntervalSet result;
  Value from = 0;
  for (const Interval& each : intervals_) {
    if (each.low > from) result.intervals_.push_back({from, each.low - 1});
    if (each.high == nft::largest(bits)) return result;
    from = each.high + 1;
  }
  result.intervals_.push_back({from, nft::largest(bits)});
  return result;
}

IntervalSet IntervalSet::intersection(const IntervalSet& other) const {
  IntervalSet result;
  auto mine = intervals_.begin();
  auto theirs = other.intervals_.begin();
  while (mine != intervals_.end() && theirs != other.intervals_.end()) {
    const Value low = std::max(mine->low, theirs->low);
    const Value high = std::min(mine->high, theirs->high);
    if (low <= high) result.intervals_.push_back({low, high});
    if (mine->high < theirs->high) {
      ++mine;
    } else {
      ++theirs;
    }
  }
  return result;
}

bool IntervalSet::contains(const IntervalSet& other) const noexcept {
  // Each of its intervals lies within one of ours: ours do not touch.
  return std::all_of(
      other.intervals_.begin(), other.intervals_.end(), [&](const Interval& interval) {
        const auto after =
            std::upper_bound(intervals_.begin(), intervals_.end(), interval.low,
                             [](Value wanted, const Interval& mine) { return wanted < mine.low; });
        return after != intervals_.begin() && interval.high <= std::prev(after)->high;
      });
}

bool IntervalSet::contains(Value value) const noexcept {
  const auto after = std::upper_bound(
      intervals_.begin(), intervals_.end(), value,
      [](Value wanted, const Interval& interval) { return wanted < interval.low; });
  return after != intervals_.begin() && value <= std::prev(after)->high;
}

}  // namespace afxfw
