#include "rules/packet_fields.h"

namespace afxfw {
namespace {

using nft::Field;
using nft::Value;

constexpr std::uint16_t kEtherTypeVlan = 0x8100;
constexpr std::uint32_t kEthernetHeader = 14;
constexpr std::uint32_t kVlanTag = 4;

Value load_mac(const std::byte* field) noexcept {
  return static_cast<Value>(load_be16(field)) << 32 | load_be32(field + 2);
}

std::optional<Value> load_link(Field field, const PacketView& packet) noexcept {
  const std::uint16_t type = load_be16(packet.frame + 12);
  switch (field) {
    case Field::kEtherSource:
      return load_mac(packet.frame + 6);
    case Field::kEtherDestination:
      return load_mac(packet.frame);
    case Field::kEtherType:
      return type;
    case Field::kVlanId:
      if (type != kEtherTypeVlan) return std::nullopt;
      return packet.vlan_ids[0];
    case Field::kMetaProtocol:
      return load_be16(packet.frame + packet.l3_offset - 2);
    case Field::kMetaLength:
      // The kernel has taken the first tag off before its ingress hook.
      return packet.frame_length - kEthernetHeader - (packet.vlan_depth > 0 ? kVlanTag : 0);
    default:
      return std::nullopt;
  }
}

std::optional<Value> load_ipv4(Field field, const PacketView& packet) noexcept {
  const std::byte* header = packet.frame + packet.l3_offset;
  switch (field) {
    case Field::kIpSource:
      return packet.ipv4_source();
    case Field::kIpDestination:
      return packet.ipv4_destination();
    case Field::kIpProtocol:
      return load_u8(header + 9);
    case Field::kIpDscp:
      return load_u8(header + 1) >> 2;
    case Field::kIpTtl:
      return load_u8(header + 8);
    case Field::kIpLength:
      return load_be16(header + 2);
    case Field::kIpFragOff:
      return load_be16(header + 6);
    default:
      return std::nullopt;
  }
}

std::optional<Value> load_ipv6(Field field, const PacketView& packet) noexcept {
  const std::byte* header = packet.frame + packet.l3_offset;
  switch (field) {
    case Field::kIp6Source:
      return packet.ipv6_source();
    case Field::kIp6Destination:
      return packet.ipv6_destination();
    case Field::kIp6Nexthdr:
      return load_u8(header + 6);
    case Field::kIp6Hoplimit:
      return load_u8(header + 7);
    case Field::kIp6Dscp:
      return load_be16(header) >> 6 & 0x3f;
    default:
      return std::nullopt;
  }
}

struct Location {
  std::uint32_t offset;
  std::uint32_t size;
};

Location location_in_transport(Field field) noexcept {
  switch (field) {
    case Field::kTcpDport:
    case Field::kUdpDport:
    case Field::kThDport:
      return {2, 2};
    case Field::kTcpFlags:
      return {13, 1};
    case Field::kUdpLength:
      return {4, 2};
    case Field::kIcmpCode:
    case Field::kIcmpv6Code:
      return {1, 1};
    case Field::kIcmpType:
    case Field::kIcmpv6Type:
      return {0, 1};
    default:
      return {0, 2};  // source ports
  }
}

std::optional<Value> load_transport(Field field, const PacketView& packet) noexcept {
  if (packet.fragment == Fragment::kLater) return std::nullopt;
  const auto [offset, size] = location_in_transport(field);
  // As nft, up to the end of the frame, though what is there may be padding.
  if (packet.l4_offset + offset + size > packet.frame_length) return std::nullopt;
  const std::byte* bytes = packet.frame + packet.l4_offset + offset;
  return size == 1 ? Value{load_u8(bytes)} : Value{load_be16(bytes)};
}

}  // namespace

std::optional<Value> load(Field field, const PacketView& packet) noexcept {
  const nft::FieldInfo& wanted = nft::info(field);
  const bool link =
      wanted.network == nft::Network::kAny && !wanted.in_transport && field != Field::kMetaL4proto;
  if (link) return load_link(field, packet);
  if (!packet.ok()) return std::nullopt;
  if (wanted.network == nft::Network::kIpv4 && packet.version != 4) return std::nullopt;
  if (wanted.network == nft::Network::kIpv6 && packet.version != 6) return std::nullopt;
  if (wanted.protocol && packet.protocol != *wanted.protocol) return std::nullopt;
  if (wanted.type == nft::Type::kService && !has_transport_ports(packet)) return std::nullopt;
  if (wanted.in_transport) return load_transport(field, packet);
  if (field == Field::kMetaL4proto) {
    if (packet.protocol == PacketView::kProtocolUnknown) return std::nullopt;
    return packet.protocol;
  }
  return packet.version == 4 ? load_ipv4(field, packet) : load_ipv6(field, packet);
}

bool is_of_flow(nft::Field field) noexcept {
  switch (field) {
    case nft::Field::kMetaProtocol:
    case nft::Field::kMetaL4proto:
    case nft::Field::kIpSource:
    case nft::Field::kIpDestination:
    case nft::Field::kIpProtocol:
    case nft::Field::kIp6Source:
    case nft::Field::kIp6Destination:
    case nft::Field::kIp6Nexthdr:
    case nft::Field::kTcpSport:
    case nft::Field::kTcpDport:
    case nft::Field::kUdpSport:
    case nft::Field::kUdpDport:
    case nft::Field::kThSport:
    case nft::Field::kThDport:
      return true;
    default:
      return false;
  }
}

}  // namespace afxfw
