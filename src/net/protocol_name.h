#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace afxfw {

/// An upper protocol as users read and write it: "tcp", "udp", "icmp", "icmpv6",
/// "igmp", "gre", "esp", "ah", "sctp", others by number; "unknown" for
/// PacketView::kProtocolUnknown.
[[nodiscard]] std::string protocol_name(std::uint16_t protocol);

/// The number behind one of those names, in upper or lower case.
[[nodiscard]] std::optional<std::uint8_t> protocol_number(std::string_view name) noexcept;

}  // namespace afxfw
