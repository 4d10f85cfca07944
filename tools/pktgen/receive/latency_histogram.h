#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace afxfw::pktgen {

/// Counts of times in ns, in buckets that grow with the time: 128 of equal width
/// between each power of two and the next, so that a bucket is at most 1/128 of
/// its smallest time wide, and below 256 ns a bucket is one time. This is how
/// HdrHistogram (hdrhistogram.org) lays out its counts. 44 KiB, no allocation;
/// used by one thread.
class LatencyHistogram {
 public:
  /// Longer times (more than 78 hours) count as this one.
  static constexpr std::uint64_t kLongest = (std::uint64_t{1} << 48) - 1;

  void add(std::uint64_t time_ns) noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Exact; 0 when there are none, as in all that follow.
  [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  [[nodiscard]] double mean() const noexcept;

  /// The smallest time that at least this share (0 to 1) of all is not above, at
  /// most 1/128 too long and never too short: the longest time of its bucket.
  [[nodiscard]] std::uint64_t percentile(double share) const noexcept;

  /// Calls visit(longest_ns, count) for each bucket that has some, in order.
  template <typename Visit>
  void for_each_bucket(Visit&& visit) const {
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      if (counts_[bucket] != 0) visit(longest_of(bucket), counts_[bucket]);
    }
  }

 private:
  static constexpr unsigned kStepBits = 7;
  static constexpr std::uint64_t kSteps = 1U << kStepBits;
  static constexpr std::size_t kBuckets = (48 - kStepBits + 1) * kSteps;

  [[nodiscard]] static std::size_t bucket_of(std::uint64_t time_ns) noexcept;
  [[nodiscard]] static std::uint64_t longest_of(std::size_t bucket) noexcept;

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t min_ = kLongest;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace afxfw::pktgen
