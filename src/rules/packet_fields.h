#pragma once

#include <optional>

#include "net/packet_view.h"
#include "rules/nft_field.h"

namespace afxfw {

/// What a packet has in a field, or nothing if it does not have the field: then
/// no match on it holds. The packet is not malformed.
///
/// As nftables at the ingress hook sees it, except that there is no limit to one
/// VLAN tag: "ip saddr" and all that is above it look behind two of them, too.
[[nodiscard]] std::optional<nft::Value> load(nft::Field field, const PacketView& packet) noexcept;

/// Whether all packets of a flow of TCP or UDP have the same there if they are untagged, whole,
/// and without IP options and extension headers: addresses, protocols and ports do. All else
/// may differ from packet to packet.
[[nodiscard]] bool is_of_flow(nft::Field field) noexcept;

/// Whether the packet has the two ports, or what is in their place, that
/// "th sport" and "th dport" read. Neither is there without the other, unlike in
/// nft, to which two bytes are a source port.
[[nodiscard]] inline bool has_transport_ports(const PacketView& packet) noexcept {
  constexpr std::uint32_t kPorts = 4;
  return packet.has_ports ||
         (packet.fragment != Fragment::kLater && packet.l4_offset + kPorts <= packet.frame_length);
}

}  // namespace afxfw
