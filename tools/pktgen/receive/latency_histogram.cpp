#include "pktgen/receive/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace afxfw::pktgen {

std::size_t LatencyHistogram::bucket_of(std::uint64_t time_ns) noexcept {
  if (time_ns < kSteps) return time_ns;
  const auto shift = static_cast<unsigned>(std::bit_width(time_ns)) - kStepBits - 1;
  // The top 8 bits, of which the first is always set: 128 to 255.
  return shift * kSteps + (time_ns >> shift);
}

std::uint64_t LatencyHistogram::longest_of(std::size_t bucket) noexcept {
  if (bucket < 2 * kSteps) return bucket;
  const std::uint64_t shift = bucket / kSteps - 1;
  const std::uint64_t step = bucket % kSteps + kSteps;
  return ((step + 1) << shift) - 1;
}

void LatencyHistogram::add(std::uint64_t time_ns) noexcept {
  time_ns = std::min(time_ns, kLongest);
  ++counts_[bucket_of(time_ns)];
  ++count_;
  min_ = std::min(min_, time_ns);
  max_ = std::max(max_, time_ns);
  sum_ += static_cast<double>(time_ns);
}

double LatencyHistogram::mean() const noexcept {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::uint64_t LatencyHistogram::percentile(double share) const noexcept {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t passed = 0;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    passed += counts_[bucket];
    if (passed >= std::max<std::uint64_t>(wanted, 1)) return std::min(longest_of(bucket), max_);
  }
  return max_;
}

}  // namespace afxfw::pktgen
