#pragma once

#include <span>
#include <vector>

#include "net/address.h"
#include "net/prefix.h"

namespace afxfw {

/// The addresses at which membership in a set of prefixes changes, from "outside"
/// below the first: what the address tables are built from.
template <typename Bits>
struct MembershipEdges {
  /// Strictly increasing: first address of each run of members, and the first
  /// address after it, unless the run ends with the highest address of all.
  std::vector<Bits> edges;
  /// How many prefixes of this family there were, duplicates included.
  std::size_t prefixes = 0;

  /// How many separate runs of members there are.
  [[nodiscard]] std::size_t ranges() const noexcept { return (edges.size() + 1) / 2; }
};

/// Takes the prefixes of Bits' family (Ipv4Bits, Ipv6Bits) and ignores the
/// others. They may come in any order, nest, repeat and touch. O(n log n).
template <typename Bits>
[[nodiscard]] MembershipEdges<Bits> membership_edges(std::span<const Prefix> prefixes);

extern template MembershipEdges<Ipv4Bits> membership_edges(std::span<const Prefix> prefixes);
extern template MembershipEdges<Ipv6Bits> membership_edges(std::span<const Prefix> prefixes);

}  // namespace afxfw
