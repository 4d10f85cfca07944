#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "net/address.h"

namespace afxfw::nft {

/// A value of any field: a number in host byte order, as wide as the widest of
/// them, an IPv6 address.
using Value = Ipv6Bits;

/// What rules can ask of a packet.
enum class Field : std::uint8_t {
  kEtherSource,
  kEtherDestination,
  kEtherType,
  kVlanId,
  kMetaProtocol,
  kMetaL4proto,
  kMetaLength,
  kIpSource,
  kIpDestination,
  kIpProtocol,
  kIpDscp,
  kIpTtl,
  kIpLength,
  kIpFragOff,
  kIp6Source,
  kIp6Destination,
  kIp6Nexthdr,
  kIp6Hoplimit,
  kIp6Dscp,
  kTcpSport,
  kTcpDport,
  kTcpFlags,
  kUdpSport,
  kUdpDport,
  kUdpLength,
  kThSport,
  kThDport,
  kIcmpType,
  kIcmpCode,
  kIcmpv6Type,
  kIcmpv6Code,
  kCount,
};
inline constexpr std::size_t kFieldCount = static_cast<std::size_t>(Field::kCount);

/// How values of a field are written, and which sets can hold them.
enum class Type : std::uint8_t {
  kIpv4Address,
  kIpv6Address,
  kEtherAddress,
  kService,
  kInetProto,
  kEtherType,
  kDscp,
  kTcpFlags,
  kIcmpType,
  kIcmpCode,
  kIcmpv6Type,
  kIcmpv6Code,
  kInteger,
};

/// What must hold before a field is there to be read.
enum class Network : std::uint8_t { kAny, kIpv4, kIpv6 };

struct FieldInfo {
  std::string_view header;  ///< "ip" of "ip saddr"
  std::string_view name;    ///< "saddr"
  Type type;
  std::uint8_t bits;
  Network network = Network::kAny;
  /// The upper protocol that has the field; nothing: any.
  std::optional<std::uint8_t> protocol{};
  /// A field of the upper header: absent from later fragments.
  bool in_transport = false;
};

[[nodiscard]] const FieldInfo& info(Field field) noexcept;

/// Of the frame, whatever it carries: ether, vlan, meta protocol.
[[nodiscard]] bool is_link_field(Field field) noexcept;
/// Of ICMPv6, which carries neighbour discovery.
[[nodiscard]] bool is_neighbour_discovery_field(Field field) noexcept;

/// All fields of one header, to look a name up or to say what there is.
[[nodiscard]] std::optional<Field> find_field(std::string_view header,
                                              std::string_view name) noexcept;
[[nodiscard]] bool is_header(std::string_view word) noexcept;

[[nodiscard]] constexpr Value largest(unsigned bits) noexcept { return ~Value{0} >> (128 - bits); }

/// A type as sets declare it, such as "ipv4_addr"; nothing: no set can hold it.
struct SetType {
  std::string_view name;
  Type type;
  std::uint8_t bits;
};
[[nodiscard]] std::span<const SetType> set_types() noexcept;
[[nodiscard]] const SetType* find_set_type(std::string_view name) noexcept;
[[nodiscard]] const SetType* find_set_type(Type type) noexcept;

}  // namespace afxfw::nft
