#include "rules/address_overlay.h"

#include <algorithm>

#include "rules/membership_edges.h"

namespace afxfw {
namespace {

/// The edges of what `is_member` says of membership in a and in b; of neither is false.
template <typename Bits, typename IsMember>
std::vector<Bits> combine(std::span<const Bits> a, std::span<const Bits> b, IsMember is_member) {
  std::vector<Bits> edges;
  edges.reserve(a.size() + b.size());
  bool in_a = false;
  bool in_b = false;
  bool inside = false;
  while (!a.empty() || !b.empty()) {
    const Bits at = a.empty() ? b.front() : b.empty() ? a.front() : std::min(a.front(), b.front());
    if (!a.empty() && a.front() == at) {
      in_a = !in_a;
      a = a.subspan(1);
    }
    if (!b.empty() && b.front() == at) {
      in_b = !in_b;
      b = b.subspan(1);
    }
    if (is_member(in_a, in_b) == inside) continue;
    inside = !inside;
    edges.push_back(at);
  }
  return edges;
}

template <typename Bits>
std::vector<Bits> both(const std::vector<Bits>& a, const std::vector<Bits>& b) {
  return combine<Bits>(a, b, [](bool in_a, bool in_b) { return in_a || in_b; });
}

template <typename Bits>
std::vector<Bits> without(const std::vector<Bits>& a, const std::vector<Bits>& b) {
  return combine<Bits>(a, b, [](bool in_a, bool in_b) { return in_a && !in_b; });
}

}  // namespace

template <typename Bits>
AddressOverlay<Bits> AddressOverlay<Bits>::of(std::span<const PrefixChange> changes) {
  if (changes.size() > 1) {
    const std::size_t half = changes.size() / 2;
    return of(changes.first(half)).then(of(changes.subspan(half)));
  }
  AddressOverlay overlay;
  if (changes.empty()) return overlay;
  const PrefixChange& change = changes.front();
  auto edges = membership_edges<Bits>({&change.prefix, 1}).edges;
  (change.kind == PrefixChange::Kind::kAdd ? overlay.added : overlay.removed) = std::move(edges);
  return overlay;
}

template <typename Bits>
AddressOverlay<Bits> AddressOverlay<Bits>::then(const AddressOverlay& next) const {
  return {both(without(added, next.removed), next.added),
          both(without(removed, next.added), next.removed)};
}

template <typename Bits>
std::vector<Bits> AddressOverlay<Bits>::apply_to(std::span<const Bits> edges) const {
  const auto kept = combine<Bits>(edges, removed, [](bool in, bool gone) { return in && !gone; });
  return both(kept, added);
}

template struct AddressOverlay<Ipv4Bits>;
template struct AddressOverlay<Ipv6Bits>;

}  // namespace afxfw
