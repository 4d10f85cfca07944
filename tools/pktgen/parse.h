#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "xsk/link.h"

namespace afxfw::pktgen {

/// Option values from their text; the error is a sentence that names the text.
template <typename T>
using Parsed = tl::expected<T, std::string>;

/// Ports first to last, both included.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  friend bool operator==(const PortRange&, const PortRange&) = default;
};

/// "80" or "1024-65535".
[[nodiscard]] Parsed<PortRange> parse_port_range(std::string_view text);

/// "02:00:00:00:00:01".
[[nodiscard]] Parsed<MacAddress> parse_mac(std::string_view text);
[[nodiscard]] std::string format_mac(const MacAddress& mac);

/// A decimal number, optionally followed by k, M or G (thousands).
[[nodiscard]] Parsed<std::uint64_t> parse_scaled(std::string_view text);

/// Flag names separated by commas ("syn,ack"), as nft names them, or "none".
/// Returns byte 13 of the TCP header (RFC 9293).
[[nodiscard]] Parsed<std::uint8_t> parse_tcp_flags(std::string_view text);

}  // namespace afxfw::pktgen
