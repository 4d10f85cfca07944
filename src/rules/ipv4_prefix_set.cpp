#include "rules/ipv4_prefix_set.h"

#include "rules/ipv4_prefix_set_builder.h"
#include "rules/membership_edges.h"

namespace afxfw {

Ipv4PrefixSet::Ipv4PrefixSet() : Ipv4PrefixSet(from_edges({}, 0)) {}

Ipv4PrefixSet::Ipv4PrefixSet(std::size_t entries, std::size_t ranges)
    : entries_(entries), ranges_(ranges) {}

Ipv4PrefixSet Ipv4PrefixSet::from_edges(std::span<const Ipv4Bits> edges, std::size_t entries) {
  Ipv4PrefixSet set(entries, (edges.size() + 1) / 2);
  Ipv4PrefixSetBuilder(set).add_all(edges);
  return set;
}

Ipv4PrefixSet Ipv4PrefixSet::build(std::span<const Prefix> prefixes) {
  const MembershipEdges<Ipv4Bits> members = membership_edges<Ipv4Bits>(prefixes);
  return from_edges(members.edges, members.prefixes);
}

}  // namespace afxfw
