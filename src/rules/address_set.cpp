#include "rules/address_set.h"

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

template class AddressSet<Ipv4Bits>;
template class AddressSet<Ipv6Bits>;

}  // namespace afxfw
