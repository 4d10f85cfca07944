#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "net/packet_view.h"

namespace afxfw {

/// The internet checksum (RFC 1071) of the bytes, in host byte order; an odd
/// last byte counts as if a zero byte followed. 0 over data whose checksum field
/// is right.
[[nodiscard]] std::uint16_t internet_checksum(std::span<const std::byte> bytes) noexcept;

/// Completes the TCP or UDP checksum that a sender left to the hardware.
///
/// veth and virtio hand such frames over as they are: Linux (CHECKSUM_PARTIAL,
/// include/linux/skbuff.h) has put only the folded sum of the pseudo header into
/// the field. If the field equals exactly that sum and the checksum is not right
/// as it stands, the full one is computed and written, and true is returned. All
/// else is left untouched: a right checksum, a wrong one, UDP over IPv4 without
/// one, fragments, other protocols.
///
/// A frame damaged on its way whose field happens to equal the sum (one in
/// 65,536 of them) is taken for partial too, so this is for drivers that hand
/// over partial checksums, not for every one. A packet on a source route (IPv4
/// option, IPv6 routing header) has the last hop in its pseudo header and is not
/// recognised.
///
/// `view` is parse()'s of the same frame.
bool finish_partial_checksum(std::span<std::byte> frame, const PacketView& view) noexcept;

}  // namespace afxfw
