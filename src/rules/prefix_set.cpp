#include "rules/prefix_set.h"

#include <bit>
#include <limits>
#include <stdexcept>
#include <type_traits>

namespace afxfw {
namespace {

// At most this many index buckets, of 4 bytes each: 4 MiB, which a million
// prefixes fill with two edges a bucket. A larger index would leave the caches
// sooner than it saves steps of the search (bench/lookup_bench).
constexpr std::size_t kMaxBuckets = std::size_t{1} << 20;

template <typename Bits>
struct Range {
  Bits first;
  Bits last;
};

template <typename Bits>
std::vector<Range<Bits>> sorted_ranges(std::span<const Prefix> prefixes) {
  constexpr Family kFamily = std::is_same_v<Bits, Ipv4Bits> ? Family::kIpv4 : Family::kIpv6;
  const auto count = std::count_if(prefixes.begin(), prefixes.end(),
                                   [](const Prefix& prefix) { return prefix.family() == kFamily; });
  std::vector<Range<Bits>> ranges;
  ranges.reserve(static_cast<std::size_t>(count));
  for (const Prefix& prefix : prefixes) {
    if (prefix.family() != kFamily) continue;
    ranges.push_back({static_cast<Bits>(prefix.first()), static_cast<Bits>(prefix.last())});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const Range<Bits>& a, const Range<Bits>& b) { return a.first < b.first; });
  return ranges;
}

template <typename Bits>
std::vector<Bits> merged_edges(const std::vector<Range<Bits>>& ranges) {
  constexpr Bits kHighest = static_cast<Bits>(~Bits{0});
  std::vector<Bits> edges;
  edges.reserve(2 * ranges.size());
  for (std::size_t i = 0; i < ranges.size();) {
    const Bits first = ranges[i].first;
    Bits last = ranges[i].last;
    // A range that starts right after this one's end touches it. Not last + 1,
    // which would be 0 at the top of the address space.
    for (++i; i < ranges.size() && (ranges[i].first <= last || ranges[i].first - 1 == last); ++i) {
      last = std::max(last, ranges[i].last);
    }
    edges.push_back(first);
    if (last != kHighest) edges.push_back(static_cast<Bits>(last + 1));
  }
  edges.shrink_to_fit();
  return edges;
}

}  // namespace

template <typename Bits>
PrefixSet<Bits> PrefixSet<Bits>::build(std::span<const Prefix> prefixes) {
  PrefixSet set;
  const std::vector<Range<Bits>> ranges = sorted_ranges<Bits>(prefixes);
  set.entries_ = ranges.size();
  if (ranges.empty()) return set;
  set.edges_ = merged_edges(ranges);
  if (set.edges_.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw std::length_error("a prefix set holds at most 2^31 separate ranges");
  }

  // The index starts at the first edge and ends at the last: leading bits that
  // all entries have in common would leave most of its buckets empty.
  set.base_ = set.edges_.front();
  const Bits span = set.edges_.back() - set.base_;
  const std::size_t wanted = std::min(std::bit_ceil(set.edges_.size() + 1), kMaxBuckets);
  while (span >> set.shift_ >= wanted) ++set.shift_;
  const auto buckets = static_cast<std::size_t>(span >> set.shift_) + 1;
  set.last_bucket_ = static_cast<Bits>(buckets);
  set.index_.assign(buckets + 2, 0);
  for (const Bits edge : set.edges_) {
    ++set.index_[static_cast<std::size_t>((edge - set.base_) >> set.shift_) + 1];
  }
  for (std::size_t b = 1; b < set.index_.size(); ++b) set.index_[b] += set.index_[b - 1];
  return set;
}

template class PrefixSet<Ipv4Bits>;
template class PrefixSet<Ipv6Bits>;

}  // namespace afxfw
