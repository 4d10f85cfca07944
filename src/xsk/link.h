#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace afxfw {

using MacAddress = std::array<std::uint8_t, 6>;

/// What the kernel says about a network interface at one moment.
struct Link {
  int ifindex = 0;
  std::string name;
  std::string kind;    ///< "veth", "bond", ...; "" for hardware
  std::string driver;  ///< as ethtool -i; "" when it doesn't say
  std::string alias;
  MacAddress mac{};
  std::uint32_t mtu = 0;
  bool up = false;       ///< administratively
  bool carrier = false;  ///< the link works
  bool ethernet = false;
  std::uint32_t rx_queues = 0;  ///< receive queues in use (channels)
  std::uint32_t tx_queues = 0;
  bool combined_channels = false;  ///< ethtool -L sets "combined", not "rx" and "tx"
};

/// In the caller's network namespace; nullopt when there is none of that name.
/// Throws Error for any other failure.
[[nodiscard]] std::optional<Link> find_link(const std::string& interface);
[[nodiscard]] std::optional<Link> find_link(int ifindex);

/// As find_link, but a missing interface is an Error that lists the present ones.
[[nodiscard]] Link require_link(const std::string& interface);

}  // namespace afxfw
