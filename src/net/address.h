#pragma once

#include <cstdint>

namespace afxfw {

/// Addresses as unsigned integers in host byte order: 192.0.2.1 is 0xc0000201.
using Ipv4Bits = std::uint32_t;
__extension__ using Ipv6Bits = unsigned __int128;

}  // namespace afxfw
