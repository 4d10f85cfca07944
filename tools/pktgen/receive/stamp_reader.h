#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "pktgen/bpf/stamp.h"

namespace afxfw::pktgen {

/// How much of a frame read_stamp looks at: two VLAN tags, IPv6, TCP without options.
inline constexpr std::size_t kStampedHeadBytes = 14 + 8 + 40 + 20 + PKTGEN_STAMP_BYTES;

/// A 5-tuple as it is in the packet, big endian; an IPv4 address is the first 4 bytes.
struct Endpoints {
  std::uint8_t version = 0;  ///< 4 or 6
  std::uint8_t protocol = 0;
  std::array<std::byte, 16> source{};
  std::array<std::byte, 16> destination{};
  std::uint16_t source_port = 0;  ///< in host order; ICMP: the echo identifier
  std::uint16_t destination_port = 0;
};

struct StampedPacket {
  pktgen_stamp stamp{};
  Endpoints endpoints;
};

/// The stamp of an Ethernet frame made by this generator; nothing for any other
/// frame. The frame may be cut off after kStampedHeadBytes. Checksums are not
/// verified.
[[nodiscard]] std::optional<StampedPacket> read_stamp(std::span<const std::byte> frame) noexcept;

}  // namespace afxfw::pktgen
