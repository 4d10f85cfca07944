#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "net/prefix.h"

namespace afxfw {

/// One element of a list, added or removed.
struct PrefixChange {
  enum class Kind { kAdd, kRemove };

  Kind kind;
  Prefix prefix;
};

/// Changes to a set of addresses, folded together: those they make members and those
/// they make none, in edges as MembershipEdges has them. Disjoint.
template <typename Bits>
struct AddressOverlay {
  std::vector<Bits> added;
  std::vector<Bits> removed;

  /// Takes the changes of Bits' family and ignores the others; later ones win.
  /// O(n log n).
  [[nodiscard]] static AddressOverlay of(std::span<const PrefixChange> changes);

  /// The overlay that does what this one does and then the other. O(size of both).
  [[nodiscard]] AddressOverlay then(const AddressOverlay& next) const;

  /// The edges of a set, changed. O(size of both).
  [[nodiscard]] std::vector<Bits> apply_to(std::span<const Bits> edges) const;
};

extern template struct AddressOverlay<Ipv4Bits>;
extern template struct AddressOverlay<Ipv6Bits>;

}  // namespace afxfw
