#pragma once

#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/address.h"
#include "net/byte_order.h"

namespace afxfw {

enum class ParseStatus : std::uint8_t {
  kOk,     ///< well-formed IPv4 or IPv6
  kNotIp,  ///< another EtherType (ARP, LLDP, ...) or an 802.3 length
  kMalformed,
};

/// Why a frame is malformed.
enum class Malformed : std::uint8_t {
  kNone,
  kTruncatedEthernet,   ///< Ethernet header or VLAN tag cut off
  kVlanDepth,           ///< more than PacketView::kMaxVlanTags tags
  kTruncatedIp,         ///< IPv4 or IPv6 header cut off
  kIpVersion,           ///< the version does not fit the EtherType
  kIpHeaderLength,      ///< IPv4 header length below 20
  kIpTotalLength,       ///< shorter than its header or longer than the frame
  kExtensionHeaders,    ///< IPv6: more than kMaxExtensionHeaders of them
  kTruncatedExtension,  ///< an IPv6 extension header leaves the packet
  kFragmentOverlap,     ///< TCP fragment at offset 1 (RFC 1858, RFC 3128)
  kTruncatedTransport,  ///< TCP or UDP header cut off, a tiny first fragment too
  kTransportLength,     ///< TCP data offset or UDP length impossible
};

inline constexpr std::array<std::string_view, 12> kMalformedNames = {
    "none",
    "truncated-ethernet",
    "vlan-depth",
    "truncated-ip",
    "ip-version",
    "ip-header-length",
    "ip-total-length",
    "extension-headers",
    "truncated-extension",
    "fragment-overlap",
    "truncated-transport",
    "transport-length",
};

[[nodiscard]] constexpr std::string_view name(Malformed reason) noexcept {
  return kMalformedNames[static_cast<std::size_t>(reason)];
}

enum class Fragment : std::uint8_t {
  kNone,   ///< a whole packet, or an IPv6 "atomic fragment" (RFC 6946)
  kFirst,  ///< offset 0, more to come: has the transport header
  kLater,  ///< no transport header
};

/// What parse() found in a frame. Points into the frame, which must outlive it.
///
/// Meaningful for kOk only, except `frame`, `frame_length`, `status`, the VLAN fields and
/// l3_offset (kNotIp too) and `reason` (kMalformed). Offsets count bytes from the start of
/// the frame; numbers are in host byte order.
struct PacketView {
  static constexpr std::size_t kMaxVlanTags = 2;
  static constexpr std::size_t kMaxExtensionHeaders = 8;
  /// `protocol` of a later IPv6 fragment whose payload began with one more
  /// extension header: only the first fragment tells. Equals no real protocol.
  static constexpr std::uint16_t kProtocolUnknown = 256;

  const std::byte* frame = nullptr;
  std::uint32_t ip_end = 0;  ///< end of the IP packet: what follows is padding
  std::uint32_t frame_length = 0;
  std::uint16_t l3_offset = 0;
  std::uint16_t l4_offset = 0;  ///< upper header; of a later fragment: its payload
  std::uint16_t protocol = 0;   ///< upper protocol, 0..255 or kProtocolUnknown
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::array<std::uint16_t, kMaxVlanTags> vlan_ids{};  ///< outer first
  ParseStatus status = ParseStatus::kMalformed;
  Malformed reason = Malformed::kNone;
  std::uint8_t version = 0;  ///< 4 or 6
  Fragment fragment = Fragment::kNone;
  std::uint8_t vlan_depth = 0;
  bool has_ports = false;            ///< TCP or UDP, and not a later fragment
  bool has_fragment_header = false;  ///< IPv6, be the fragment atomic

  [[nodiscard]] bool ok() const noexcept { return status == ParseStatus::kOk; }
  bool operator==(const PacketView&) const = default;

  /// Only if version is 4.
  [[nodiscard]] Ipv4Bits ipv4_source() const noexcept { return load_be32(frame + l3_offset + 12); }
  [[nodiscard]] Ipv4Bits ipv4_destination() const noexcept {
    return load_be32(frame + l3_offset + 16);
  }

  /// Only if version is 6.
  [[nodiscard]] Ipv6Bits ipv6_source() const noexcept { return load_be128(frame + l3_offset + 8); }
  [[nodiscard]] Ipv6Bits ipv6_destination() const noexcept {
    return load_be128(frame + l3_offset + 24);
  }

  /// The upper header and its payload, without Ethernet padding.
  [[nodiscard]] std::span<const std::byte> l4() const noexcept {
    return {frame + l4_offset, ip_end - l4_offset};
  }
};

/// Parses one Ethernet frame (without FCS) of any length, 0 included, as bytes
/// from the wire: nothing is trusted, nothing outside the span is read.
///
/// Goes through up to two VLAN tags (802.1Q, 802.1ad), IPv4 options and up to
/// eight IPv6 extension headers to TCP and UDP. More tags than that are
/// malformed rather than "not IP", because Linux takes off any number of them.
/// IP-in-IP, GRE and AH over IPv4 are not opened: they are the upper protocol.
/// Checksums are not verified. IPv6 jumbograms (RFC 2675) are malformed.
///
/// The rules are those of the XDP program (bpf/parsing.bpf.h); tests/bpf
/// compares the two. RFC 791, 8200, 9293, 768; fragments: RFC 1858, 3128, 6946,
/// 7112.
[[nodiscard]] PacketView parse(std::span<const std::byte> frame) noexcept;
/// The same in place: a view is long enough for a copy to show.
void parse_to(PacketView& view, std::span<const std::byte> frame) noexcept;

/// IPv6 neighbour discovery, without which a host drops off its network:
/// ICMPv6 133 to 137, code 0, hop limit 255 (RFC 4861), never with a fragment
/// header (RFC 6980). The XDP program passes it on before any policy.
[[nodiscard]] bool is_neighbour_discovery(const PacketView& view) noexcept;

namespace detail {

inline constexpr std::size_t kEthernetHeader = 14;
inline constexpr std::size_t kIpv4Header = 20;
inline constexpr std::size_t kTcpHeader = 20;
inline constexpr std::size_t kUdpHeader = 8;
inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kMoreFragments = 0x2000;  // in IPv4
inline constexpr std::uint16_t kFragmentOffset = 0x1fff;

/// Where TCP and UDP begin in a plain packet.
inline constexpr std::size_t kPlainL4 = kEthernetHeader + kIpv4Header;

/// Whether a frame is what nearly all are: an untagged IPv4 packet without options, not a
/// fragment, with TCP or UDP, long enough for either, and well-formed.
[[nodiscard]] inline bool is_plain(std::span<const std::byte> frame) noexcept {
  constexpr unsigned kVersionAndLength = 0x45;

  if (frame.size() < kPlainL4 + kTcpHeader) return false;
  const std::byte* ip = frame.data() + kEthernetHeader;
  const std::byte* l4 = frame.data() + kPlainL4;
  const std::size_t total_length = load_be16(ip + 2);
  if (load_be16(frame.data() + 12) != kEtherTypeIpv4 || load_u8(ip) != kVersionAndLength ||
      has_be16_bits(ip + 6, kMoreFragments | kFragmentOffset) ||
      total_length > frame.size() - kEthernetHeader) {
    return false;
  }
  const unsigned protocol = load_u8(ip + 9);
  if (protocol == IPPROTO_TCP) {
    const std::size_t header_length = (load_u8(l4 + 12) >> 4) * std::size_t{4};
    return header_length >= kTcpHeader && total_length >= kIpv4Header + header_length;
  }
  const std::size_t udp_length = load_be16(l4 + 4);
  return protocol == IPPROTO_UDP && udp_length >= kUdpHeader &&
         total_length >= kIpv4Header + udp_length;
}

/// Sets all of a view. One field after the other, since GCC 12 would otherwise make another
/// one on the stack and copy it.
inline void set_plain_view(PacketView& view, std::span<const std::byte> frame) noexcept {
  const std::byte* ip = frame.data() + kEthernetHeader;
  const std::byte* l4 = frame.data() + kPlainL4;
  // Read before anything is written, which for all that is known could be the frame.
  const std::uint32_t total_length = load_be16(ip + 2);
  const std::uint8_t protocol = load_u8(ip + 9);
  const std::uint16_t source_port = load_be16(l4);
  const std::uint16_t destination_port = load_be16(l4 + 2);
  view.frame = frame.data();
  view.ip_end = kEthernetHeader + total_length;
  view.frame_length = static_cast<std::uint32_t>(frame.size());
  view.l3_offset = kEthernetHeader;
  view.l4_offset = kPlainL4;
  view.protocol = protocol;
  view.source_port = source_port;
  view.destination_port = destination_port;
  view.vlan_ids = {};
  view.status = ParseStatus::kOk;
  view.reason = Malformed::kNone;
  view.version = 4;
  view.fragment = Fragment::kNone;
  view.vlan_depth = 0;
  view.has_ports = true;
  view.has_fragment_header = false;
}

/// Header by header.
[[nodiscard]] PacketView parse_any(std::span<const std::byte> frame) noexcept;

}  // namespace detail

inline void parse_to(PacketView& view, std::span<const std::byte> frame) noexcept {
  if (detail::is_plain(frame)) [[likely]] {
    detail::set_plain_view(view, frame);
  } else {
    view = detail::parse_any(frame);
  }
}

inline PacketView parse(std::span<const std::byte> frame) noexcept {
  PacketView view;
  parse_to(view, frame);
  return view;
}

}  // namespace afxfw
