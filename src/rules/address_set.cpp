#include "rules/address_set.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace afxfw {
namespace {

template <typename Bits>
PrefixSet<Bits> table_of(std::span<const Bits> edges) {
  return PrefixSet<Bits>::from_edges(edges, (edges.size() + 1) / 2);
}

}  // namespace

template <typename Bits>
AddressSet<Bits> AddressSet<Bits>::with_changes(std::span<const PrefixChange> changes) const {
  const AddressOverlay<Bits> more = AddressOverlay<Bits>::of(changes);
  AddressSet set(*this);
  if (more.added.empty() && more.removed.empty()) return set;
  const AddressOverlay<Bits> all = overlay().then(more);
  set.added_ = table_of<Bits>(all.added);
  set.removed_ = table_of<Bits>(all.removed);
  return set;
}

template <typename Bits>
AddressSet<Bits> AddressSet<Bits>::merged() const {
  if (overlay_size() == 0) return *this;
  return AddressSet(table_of<Bits>(overlay().apply_to(base_->edges())));
}

template <typename Bits>
void AddressSet<Bits>::apply_overlay(std::span<const Bits> addresses,
                                     std::span<bool> inside) const noexcept {
  constexpr std::size_t kBatch = 64;
  assert(inside.size() == addresses.size());
  std::array<bool, kBatch> changed;
  for (std::size_t done = 0; done < addresses.size(); done += kBatch) {
    const std::size_t count = std::min(kBatch, addresses.size() - done);
    const auto asked = addresses.subspan(done, count);
    const auto result = inside.subspan(done, count);
    const std::span<bool> in_overlay(changed.data(), count);
    if (!removed_.empty()) {
      removed_.contains(asked, in_overlay);
      for (std::size_t i = 0; i < count; ++i) result[i] = result[i] && !changed[i];
    }
    if (!added_.empty()) {
      added_.contains(asked, in_overlay);
      for (std::size_t i = 0; i < count; ++i) result[i] = result[i] || changed[i];
    }
  }
}

template class AddressSet<Ipv4Bits>;
template class AddressSet<Ipv6Bits>;

}  // namespace afxfw
