#pragma once

#include <type_traits>

#include "net/address.h"
#include "rules/ipv4_prefix_set.h"
#include "rules/ipv6_prefix_set.h"

namespace afxfw {

/// The table for addresses of a family (Ipv4Bits, Ipv6Bits). Both have the same
/// interface.
template <typename Bits>
using PrefixSet = std::conditional_t<std::is_same_v<Bits, Ipv4Bits>, Ipv4PrefixSet, Ipv6PrefixSet>;

}  // namespace afxfw
