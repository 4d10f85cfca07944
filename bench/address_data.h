#pragma once

#include <cstddef>
#include <vector>

#include "net/address.h"
#include "net/prefix.h"

namespace afxfw {

/// Prefixes with lengths as routing tables and blocklists mix them; the same ones at
/// each call. Half of them are anywhere, the others in the /16 (IPv6: /32) of an earlier
/// one. IPv4, between 1.0.0.0 and 223.255.255.255: 45 % /24, 25 % /32, 5 % /25 to
/// /31, 25 % /16 to /23, 0.1 % shorter, down to /8. IPv6, in 2000::/3: 45 % /48, 12 % /32,
/// 23 % between them, 15 % /49 to /64, 5 % /128.
template <typename Bits>
[[nodiscard]] std::vector<Prefix> mixed_prefixes(std::size_t count);

enum class Stream {
  kUniform,  ///< anywhere; of IPv6, in 2000::/3
  kHit,      ///< each prefix as often, and each address in it
  kZipf,     ///< the same, but a prefix as often as the inverse of its rank
};

/// Addresses to ask for; the same ones at each call.
template <typename Bits>
[[nodiscard]] std::vector<Bits> queries(const std::vector<Prefix>& prefixes, Stream stream,
                                        std::size_t count);

}  // namespace afxfw
