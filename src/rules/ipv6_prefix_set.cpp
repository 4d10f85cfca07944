#include "rules/ipv6_prefix_set.h"

#include <bit>
#include <limits>
#include <stdexcept>
#include <utility>

#include "rules/membership_edges.h"

namespace afxfw {
namespace {

// At most this many index buckets, of 4 bytes each: 4 MiB, which a million
// prefixes fill with two edges a bucket. A larger index would leave the caches
// sooner than it saves steps of the search (bench/lookup_bench).
constexpr std::size_t kMaxBuckets = std::size_t{1} << 20;

}  // namespace

Ipv6PrefixSet Ipv6PrefixSet::build(std::span<const Prefix> prefixes) {
  Ipv6PrefixSet set;
  MembershipEdges<Ipv6Bits> members = membership_edges<Ipv6Bits>(prefixes);
  set.entries_ = members.prefixes;
  if (members.edges.empty()) return set;
  set.edges_ = std::move(members.edges);
  set.edges_.shrink_to_fit();
  if (set.edges_.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw std::length_error("a prefix set holds at most 2^31 separate ranges");
  }

  // The index starts at the first edge and ends at the last: leading bits that
  // all entries have in common would leave most of its buckets empty.
  set.base_ = set.edges_.front();
  const Ipv6Bits span = set.edges_.back() - set.base_;
  const std::size_t wanted = std::min(std::bit_ceil(set.edges_.size() + 1), kMaxBuckets);
  while (span >> set.shift_ >= wanted) ++set.shift_;
  const auto buckets = static_cast<std::size_t>(span >> set.shift_) + 1;
  set.last_bucket_ = static_cast<Ipv6Bits>(buckets);
  set.index_.assign(buckets + 2, 0);
  for (const Ipv6Bits edge : set.edges_) {
    ++set.index_[static_cast<std::size_t>((edge - set.base_) >> set.shift_) + 1];
  }
  for (std::size_t b = 1; b < set.index_.size(); ++b) set.index_[b] += set.index_[b - 1];
  return set;
}

}  // namespace afxfw
