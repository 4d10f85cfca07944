#include "rules/nft_field.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>

namespace afxfw::nft {
namespace {

constexpr std::array<FieldInfo, kFieldCount> kFields = {{
    {"ether", "saddr", Type::kEtherAddress, 48},
    {"ether", "daddr", Type::kEtherAddress, 48},
    {"ether", "type", Type::kEtherType, 16},
    {"vlan", "id", Type::kInteger, 12},
    {"meta", "protocol", Type::kEtherType, 16},
    {"meta", "l4proto", Type::kInetProto, 8},
    {"meta", "length", Type::kInteger, 32},
    {"ip", "saddr", Type::kIpv4Address, 32, Network::kIpv4},
    {"ip", "daddr", Type::kIpv4Address, 32, Network::kIpv4},
    {"ip", "protocol", Type::kInetProto, 8, Network::kIpv4},
    {"ip", "dscp", Type::kDscp, 6, Network::kIpv4},
    {"ip", "ttl", Type::kInteger, 8, Network::kIpv4},
    {"ip", "length", Type::kInteger, 16, Network::kIpv4},
    {"ip", "frag-off", Type::kInteger, 16, Network::kIpv4},
    {"ip6", "saddr", Type::kIpv6Address, 128, Network::kIpv6},
    {"ip6", "daddr", Type::kIpv6Address, 128, Network::kIpv6},
    {"ip6", "nexthdr", Type::kInetProto, 8, Network::kIpv6},
    {"ip6", "hoplimit", Type::kInteger, 8, Network::kIpv6},
    {"ip6", "dscp", Type::kDscp, 6, Network::kIpv6},
    {"tcp", "sport", Type::kService, 16, Network::kAny, IPPROTO_TCP, true},
    {"tcp", "dport", Type::kService, 16, Network::kAny, IPPROTO_TCP, true},
    {"tcp", "flags", Type::kTcpFlags, 8, Network::kAny, IPPROTO_TCP, true},
    {"udp", "sport", Type::kService, 16, Network::kAny, IPPROTO_UDP, true},
    {"udp", "dport", Type::kService, 16, Network::kAny, IPPROTO_UDP, true},
    {"udp", "length", Type::kInteger, 16, Network::kAny, IPPROTO_UDP, true},
    {"th", "sport", Type::kService, 16, Network::kAny, {}, true},
    {"th", "dport", Type::kService, 16, Network::kAny, {}, true},
    {"icmp", "type", Type::kIcmpType, 8, Network::kIpv4, IPPROTO_ICMP, true},
    {"icmp", "code", Type::kIcmpCode, 8, Network::kIpv4, IPPROTO_ICMP, true},
    {"icmpv6", "type", Type::kIcmpv6Type, 8, Network::kIpv6, IPPROTO_ICMPV6, true},
    {"icmpv6", "code", Type::kIcmpv6Code, 8, Network::kIpv6, IPPROTO_ICMPV6, true},
}};

constexpr std::array<SetType, 5> kSetTypes = {{
    {"ipv4_addr", Type::kIpv4Address, 32},
    {"ipv6_addr", Type::kIpv6Address, 128},
    {"ether_addr", Type::kEtherAddress, 48},
    {"inet_service", Type::kService, 16},
    {"inet_proto", Type::kInetProto, 8},
}};

}  // namespace

const FieldInfo& info(Field field) noexcept { return kFields[static_cast<std::size_t>(field)]; }

bool is_link_field(Field field) noexcept {
  switch (field) {
    case Field::kEtherSource:
    case Field::kEtherDestination:
    case Field::kEtherType:
    case Field::kVlanId:
    case Field::kMetaProtocol:
      return true;
    default:
      return false;
  }
}

bool is_neighbour_discovery_field(Field field) noexcept {
  return field == Field::kIcmpv6Type || field == Field::kIcmpv6Code;
}

std::optional<Field> find_field(std::string_view header, std::string_view name) noexcept {
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    if (kFields[i].header == header && kFields[i].name == name) return static_cast<Field>(i);
  }
  return std::nullopt;
}

bool is_header(std::string_view word) noexcept {
  return std::any_of(kFields.begin(), kFields.end(),
                     [&](const FieldInfo& field) { return field.header == word; });
}

std::span<const SetType> set_types() noexcept { return kSetTypes; }

const SetType* find_set_type(std::string_view name) noexcept {
  const auto* found = std::find_if(kSetTypes.begin(), kSetTypes.end(),
                                   [&](const SetType& each) { return each.name == name; });
  return found == kSetTypes.end() ? nullptr : found;
}

const SetType* find_set_type(Type type) noexcept {
  const auto* found = std::find_if(kSetTypes.begin(), kSetTypes.end(),
                                   [&](const SetType& each) { return each.type == type; });
  return found == kSetTypes.end() ? nullptr : found;
}

}  // namespace afxfw::nft
