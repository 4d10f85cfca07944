#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "net/address.h"
#include "net/prefix.h"

namespace afxfw {

/// An immutable set of IPv6 addresses, built from prefixes. Addresses are in host
/// byte order.
///
/// Any number of threads may look up at once. A moved-from set may only be
/// destroyed or assigned to.
///
/// Held as the sorted addresses at which membership changes, starting outside:
/// an address is inside if the number of edges not above it is odd. An index on
/// the leading bits cuts the search down to the edges of one bucket.
class Ipv6PrefixSet {
 public:
  /// The empty set.
  Ipv6PrefixSet() = default;

  /// Takes the IPv6 prefixes and ignores the others. They may come in any order,
  /// nest, repeat and touch. Takes O(n log n), and at its peak about three times
  /// the memory of the result.
  [[nodiscard]] static Ipv6PrefixSet build(std::span<const Prefix> prefixes);

  [[nodiscard]] bool contains(Ipv6Bits address) const noexcept {
    if (address < base_) return false;
    const std::size_t bucket = bucket_of(address);
    const Ipv6Bits* edge = edges_.data() + index_[bucket];
    std::size_t count = index_[bucket + 1] - index_[bucket];
    // The halving has no branch but the loop's, which depends on the bucket only.
    while (count > 0) {
      const std::size_t half = (count + 1) / 2;
      edge += edge[half - 1] <= address ? half : 0;
      count -= half;
    }
    return ((edge - edges_.data()) & 1) != 0;
  }

  /// Brings closer what contains(address) will read. Worth it in a pass over a
  /// batch ahead of the look-ups.
  void prefetch(Ipv6Bits address) const noexcept {
    if (address < base_) return;
    __builtin_prefetch(edges_.data() + index_[bucket_of(address)]);
  }

  /// How many IPv6 prefixes build() was given, duplicates included.
  [[nodiscard]] std::size_t entries() const noexcept { return entries_; }
  /// How many separate runs of addresses they make.
  [[nodiscard]] std::size_t ranges() const noexcept { return (edges_.size() + 1) / 2; }
  [[nodiscard]] bool empty() const noexcept { return edges_.empty(); }
  /// Heap memory held.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return edges_.size() * sizeof(Ipv6Bits) + index_.size() * sizeof(index_[0]);
  }

 private:
  // Addresses above the last edge share one more bucket, which holds no edge.
  [[nodiscard]] std::size_t bucket_of(Ipv6Bits address) const noexcept {
    return static_cast<std::size_t>(std::min<Ipv6Bits>((address - base_) >> shift_, last_bucket_));
  }

  // Strictly increasing. A set that holds the highest address has no edge to end
  // its last range: that edge would not fit Ipv6Bits.
  std::vector<Ipv6Bits> edges_;
  // index_[b]: number of edges below bucket b, whose lowest address is
  // base_ + (b << shift_).
  std::vector<std::uint32_t> index_ = {0, 0};
  Ipv6Bits base_ = 0;         // the first edge
  Ipv6Bits last_bucket_ = 0;  // index_.size() - 2
  unsigned shift_ = 0;
  std::size_t entries_ = 0;
};

}  // namespace afxfw
