#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace afxfw {

/// A part of the address space, as the builders of the address tables divide it:
/// its first address, whether that is a member, and the edges (MembershipEdges)
/// above it.
template <typename Bits>
struct AddressPart {
  Bits first = 0;
  bool inside = false;
  std::span<const Bits> edges;

  /// An edge at the first address belongs to that address's membership.
  void take_first_edge() noexcept {
    if (edges.empty() || edges.front() != first) return;
    inside = !inside;
    edges = edges.subspan(1);
  }

  /// Returns what is below `next`, which has `count` of the edges, and keeps the
  /// rest.
  AddressPart cut(std::size_t count, Bits next) noexcept {
    const AddressPart lower{first, inside, edges.first(count)};
    inside ^= count % 2 != 0;
    edges = edges.subspan(count);
    first = next;
    take_first_edge();
    return lower;
  }
};

/// A range cut into equal parts of 1 << shift keys.
struct EqualParts {
  std::uint8_t shift = 0;
  std::uint32_t last = 0;  // number of parts, minus one
};

/// As many parts as give each about edges_per_part. span: last key minus first.
template <typename Key>
[[nodiscard]] EqualParts equal_parts(Key span, std::size_t edges, std::size_t edges_per_part) {
  // At least two, so that a shift stays below the width of a key.
  const auto wanted = std::max<std::size_t>(std::bit_ceil(edges / edges_per_part), 2);
  EqualParts parts;
  while (span >> parts.shift >= wanted) ++parts.shift;
  parts.last = static_cast<std::uint32_t>(span >> parts.shift);
  return parts;
}

}  // namespace afxfw
