#include "pktgen/receive/stamp_reader.h"

#include <netinet/in.h>

#include <cstring>

#include "net/byte_order.h"

namespace afxfw::pktgen {

namespace {

constexpr std::size_t kMacAddresses = 12;
constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kIpv6Bytes = 40;

using Bytes = std::span<const std::byte>;

/// Takes the Ethernet header and VLAN tags off. Returns the EtherType, or 0.
std::uint16_t take_ethernet(Bytes& bytes) noexcept {
  constexpr std::uint16_t kVlan = 0x8100;
  constexpr std::uint16_t kServiceVlan = 0x88a8;
  constexpr std::size_t kVlanBytes = 4;
  if (bytes.size() < kMacAddresses + 2) return 0;
  bytes = bytes.subspan(kMacAddresses);
  std::uint16_t type = load_be16(bytes.data());
  while ((type == kVlan || type == kServiceVlan) && bytes.size() >= kVlanBytes + 2) {
    bytes = bytes.subspan(kVlanBytes);
    type = load_be16(bytes.data());
  }
  bytes = bytes.subspan(2);
  return type;
}

bool take_ipv4(Bytes& bytes, Endpoints& endpoints) noexcept {
  constexpr unsigned kPlainHeader = 0x45;
  if (bytes.size() < kIpv4Bytes || load_u8(bytes.data()) != kPlainHeader) return false;
  endpoints.version = 4;
  endpoints.protocol = load_u8(bytes.data() + 9);
  std::memcpy(endpoints.source.data(), bytes.data() + 12, 4);
  std::memcpy(endpoints.destination.data(), bytes.data() + 16, 4);
  bytes = bytes.subspan(kIpv4Bytes);
  return true;
}

bool take_ipv6(Bytes& bytes, Endpoints& endpoints) noexcept {
  if (bytes.size() < kIpv6Bytes) return false;
  endpoints.version = 6;
  endpoints.protocol = load_u8(bytes.data() + 6);
  std::memcpy(endpoints.source.data(), bytes.data() + 8, 16);
  std::memcpy(endpoints.destination.data(), bytes.data() + 24, 16);
  bytes = bytes.subspan(kIpv6Bytes);
  return true;
}

/// Takes a TCP, UDP or echo header off.
bool take_l4(Bytes& bytes, Endpoints& endpoints) noexcept {
  std::size_t length = 8;
  std::size_t ports = 0;
  switch (endpoints.protocol) {
    case IPPROTO_UDP:
      break;
    case IPPROTO_TCP:
      length = 20;
      break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      ports = 4;
      break;
    default:
      return false;
  }
  if (bytes.size() < length) return false;
  endpoints.source_port = load_be16(bytes.data() + ports);
  // An echo's sequence number differs from packet to packet.
  endpoints.destination_port = ports == 0 ? load_be16(bytes.data() + 2) : std::uint16_t{0};
  bytes = bytes.subspan(length);
  return true;
}

}  // namespace

std::optional<StampedPacket> read_stamp(Bytes frame) noexcept {
  constexpr std::uint16_t kIpv4 = 0x0800;
  constexpr std::uint16_t kIpv6 = 0x86dd;
  constexpr std::uint32_t kFlowMask = PKTGEN_STAMP_MAX_FLOWS - 1;
  StampedPacket packet;
  const std::uint16_t type = take_ethernet(frame);
  const bool is_ip = (type == kIpv4 && take_ipv4(frame, packet.endpoints)) ||
                     (type == kIpv6 && take_ipv6(frame, packet.endpoints));
  if (!is_ip || !take_l4(frame, packet.endpoints)) return std::nullopt;
  if (frame.size() < PKTGEN_STAMP_BYTES || load_be32(frame.data()) != PKTGEN_STAMP_MAGIC) {
    return std::nullopt;
  }
  const std::uint32_t flow = load_be32(frame.data() + 4);
  packet.stamp.run = flow >> 24;
  packet.stamp.flow = flow & kFlowMask;
  packet.stamp.sequence = load_be32(frame.data() + 8);
  packet.stamp.time_ns =
      std::uint64_t{load_be16(frame.data() + 12)} << 32 | load_be32(frame.data() + 14);
  return packet;
}

}  // namespace afxfw::pktgen
