#pragma once

#include <cstdint>

namespace afxfw {

/// IPv4 and IPv6 addresses as numbers in host byte order, so that a prefix is a
/// shift and the order of addresses is the order of numbers.
using Ipv4Bits = std::uint32_t;
__extension__ typedef unsigned __int128 Ipv6Bits;  // NOLINT(modernize-use-using): -Wpedantic

}  // namespace afxfw
