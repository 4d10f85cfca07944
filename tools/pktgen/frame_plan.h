#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pktgen/bpf/packet.h"
#include "pktgen/options.h"

namespace afxfw::pktgen {

/// A run's packets: `packet` gives the headers of each, `frame` the bytes that
/// all have in common. The data after the headers and the stamp is zeros.
struct FramePlan {
  pktgen_packet packet{};
  std::vector<std::byte> frame;
};

/// source_mac: used where the options have none. Throws Error (kUsage) when the
/// frame size does not fit the headers.
[[nodiscard]] FramePlan plan_frames(const TrafficOptions& traffic, const MacAddress& source_mac);

/// How many packets with --order sequential come before one comes again: the
/// combinations of addresses and ports. At most 2^64 - 1.
[[nodiscard]] std::uint64_t combinations(const TrafficOptions& traffic) noexcept;

/// Bytes of Ethernet and VLAN headers, which the MTU does not count.
[[nodiscard]] std::uint32_t link_header_bytes(const TrafficOptions& traffic) noexcept;

}  // namespace afxfw::pktgen
