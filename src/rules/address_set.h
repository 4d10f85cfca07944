#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "net/address.h"
#include "net/prefix.h"
#include "rules/address_overlay.h"
#include "rules/members.h"
#include "rules/prefix_set.h"

namespace afxfw {

/// An immutable set of addresses of one family (Ipv4Bits, Ipv6Bits) that a few changes
/// make another one of, at once: a PrefixSet that sets share, and two small ones of what
/// has been added and removed since it was built.
///
/// Each change costs as much as all since the last merge, and look-ups take about three
/// times as long while there are some, so they are to be merged now and then; merging
/// takes as long as building the set. Any number of threads may ask at once. A
/// moved-from set may only be destroyed or assigned to.
template <typename Bits>
class AddressSet {
 public:
  /// The empty set.
  AddressSet() : AddressSet(PrefixSet<Bits>()) {}

  /// Takes the prefixes of the family and ignores the others, as PrefixSet does.
  [[nodiscard]] static AddressSet build(std::span<const Prefix> prefixes) {
    return AddressSet(PrefixSet<Bits>::build(prefixes));
  }

  /// This set after the changes of the family, of which later ones win: adding a prefix
  /// makes all its addresses members, removing it none, whatever prefixes there were.
  [[nodiscard]] AddressSet with_changes(std::span<const PrefixChange> changes) const;

  /// The same set with nothing left to merge.
  [[nodiscard]] AddressSet merged() const;

  /// How many separate runs of addresses were added or removed since the last merge.
  [[nodiscard]] std::size_t overlay_size() const noexcept {
    return added_.ranges() + removed_.ranges();
  }

  [[nodiscard]] bool contains(Bits address) const noexcept {
    return overlay_size() == 0 ? base_->contains(address) : contains_with_overlay(address);
  }
  /// For a batch, see PrefixSet.
  [[nodiscard]] Members members(std::span<const Bits> addresses) const noexcept {
    Members members = base_->members(addresses);
    if (!removed_.empty()) members &= ~removed_.members(addresses);
    if (!added_.empty()) members |= added_.members(addresses);
    return members;
  }

  /// How many prefixes it was built from, duplicates included; since a merge, how many
  /// runs of addresses. Changes not merged are left out.
  [[nodiscard]] std::size_t entries() const noexcept { return base_->entries(); }
  /// How many separate runs of addresses there are; those not merged count as ones of
  /// their own.
  [[nodiscard]] std::size_t ranges() const noexcept { return base_->ranges() + added_.ranges(); }
  /// Nothing is in it; but if all that was has been removed, only merging finds out.
  [[nodiscard]] bool empty() const noexcept { return base_->empty() && added_.empty(); }
  /// What is in it, as MembershipEdges has it. O(ranges).
  [[nodiscard]] std::vector<Bits> edges() const {
    return overlay_size() == 0 ? base_->edges() : overlay().apply_to(base_->edges());
  }
  /// Heap memory held, with what is shared.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return base_->memory_bytes() + added_.memory_bytes() + removed_.memory_bytes();
  }

 private:
  explicit AddressSet(PrefixSet<Bits> base)
      : base_(std::make_shared<const PrefixSet<Bits>>(std::move(base))) {}

  [[nodiscard]] AddressOverlay<Bits> overlay() const { return {added_.edges(), removed_.edges()}; }
  [[nodiscard]] bool contains_with_overlay(Bits address) const noexcept {
    return added_.contains(address) || (base_->contains(address) && !removed_.contains(address));
  }

  std::shared_ptr<const PrefixSet<Bits>> base_;  // never null
  // Disjoint.
  PrefixSet<Bits> added_;
  PrefixSet<Bits> removed_;
};

extern template class AddressSet<Ipv4Bits>;
extern template class AddressSet<Ipv6Bits>;

/// The addresses of one list, compiled.
struct AddressTables {
  AddressSet<Ipv4Bits> ipv4;
  AddressSet<Ipv6Bits> ipv6;

  template <typename Bits>
  [[nodiscard]] const AddressSet<Bits>& of() const noexcept {
    if constexpr (std::is_same_v<Bits, Ipv4Bits>) {
      return ipv4;
    } else {
      return ipv6;
    }
  }

  [[nodiscard]] static AddressTables build(std::span<const Prefix> prefixes) {
    return {AddressSet<Ipv4Bits>::build(prefixes), AddressSet<Ipv6Bits>::build(prefixes)};
  }
  [[nodiscard]] AddressTables with_changes(std::span<const PrefixChange> changes) const {
    return {ipv4.with_changes(changes), ipv6.with_changes(changes)};
  }
  [[nodiscard]] AddressTables merged() const { return {ipv4.merged(), ipv6.merged()}; }
  [[nodiscard]] std::size_t overlay_size() const noexcept {
    return ipv4.overlay_size() + ipv6.overlay_size();
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return ipv4.memory_bytes() + ipv6.memory_bytes();
  }
};

}  // namespace afxfw
