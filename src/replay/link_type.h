#pragma once

#include <optional>
#include <string>

namespace afxfw {

/// What a capture's packets begin with, as far as it can be turned into
/// Ethernet (https://www.tcpdump.org/linktypes.html).
enum class LinkType {
  kEthernet,
  kRawIp,         ///< an IP packet of either version and nothing before it
  kIpv4,          ///< the same, IPv4 only
  kIpv6,          ///< the same, IPv6 only
  kLinuxCooked,   ///< "any" device: a header of 16 bytes
  kLinuxCooked2,  ///< its second version: 20 bytes
  kLoopback,      ///< BSD's null and loop: an address family in 4 bytes of either order
};

/// From libpcap's DLT_ number; nothing if it is none of these.
[[nodiscard]] std::optional<LinkType> find_link_type(int dlt) noexcept;

/// A DLT_ number for a user: "Ethernet", "Linux cooked v1", "number 147".
[[nodiscard]] std::string describe_link_type(int dlt);

}  // namespace afxfw
