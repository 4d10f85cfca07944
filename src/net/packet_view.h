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
/// In units of 8 bytes: a TCP fragment there supplies, or overwrites, the flags.
inline constexpr unsigned kTcpOverlapOffset = 1;

inline void set_malformed(PacketView& view, Malformed reason) noexcept {
  view.status = ParseStatus::kMalformed;
  view.reason = reason;
}

/// The upper layer: l4_offset, ip_end, protocol and fragment are set.
inline void parse_transport(PacketView& view) noexcept {
  view.status = ParseStatus::kOk;
  if (view.fragment == Fragment::kLater) return;
  const std::size_t length = view.ip_end - view.l4_offset;
  const std::byte* header = view.frame + view.l4_offset;
  if (view.protocol == IPPROTO_TCP) {
    if (length < kTcpHeader) return set_malformed(view, Malformed::kTruncatedTransport);
    const std::size_t header_length = (load_u8(header + 12) >> 4) * std::size_t{4};
    if (header_length < kTcpHeader || header_length > length) {
      return set_malformed(view, Malformed::kTransportLength);
    }
  } else if (view.protocol == IPPROTO_UDP) {
    if (length < kUdpHeader) return set_malformed(view, Malformed::kTruncatedTransport);
    // The length of a first fragment is that of the whole datagram.
    const std::size_t udp_length = load_be16(header + 4);
    if (view.fragment == Fragment::kNone && (udp_length < kUdpHeader || udp_length > length)) {
      return set_malformed(view, Malformed::kTransportLength);
    }
  } else {
    return;
  }
  view.source_port = load_be16(header);
  view.destination_port = load_be16(header + 2);
  view.has_ports = true;
}

/// IPv4 at l3_offset.
inline void parse_ipv4(std::span<const std::byte> frame, PacketView& view) noexcept {
  constexpr unsigned kMoreFragments = 0x2000;
  constexpr unsigned kOffset = 0x1fff;

  const std::size_t available = frame.size() - view.l3_offset;
  const std::byte* header = frame.data() + view.l3_offset;
  if (available < kIpv4Header) return set_malformed(view, Malformed::kTruncatedIp);
  const unsigned first = load_u8(header);
  const std::size_t header_length = (first & 0xf) * std::size_t{4};
  const std::size_t total_length = load_be16(header + 2);
  if (first >> 4 != 4) return set_malformed(view, Malformed::kIpVersion);
  if (header_length < kIpv4Header) return set_malformed(view, Malformed::kIpHeaderLength);
  if (total_length < header_length || total_length > available) {
    return set_malformed(view, Malformed::kIpTotalLength);
  }
  view.version = 4;
  view.protocol = load_u8(header + 9);
  view.l4_offset = static_cast<std::uint16_t>(view.l3_offset + header_length);
  view.ip_end = static_cast<std::uint32_t>(view.l3_offset + total_length);
  const unsigned fragment = load_be16(header + 6);
  if ((fragment & (kMoreFragments | kOffset)) != 0) [[unlikely]] {
    view.fragment = (fragment & kOffset) != 0 ? Fragment::kLater : Fragment::kFirst;
    if ((fragment & kOffset) == kTcpOverlapOffset && view.protocol == IPPROTO_TCP) {
      return set_malformed(view, Malformed::kFragmentOverlap);
    }
  }
  parse_transport(view);
}

/// Everything but untagged IPv4.
void parse_other(std::span<const std::byte> frame, PacketView& view) noexcept;

}  // namespace detail

inline PacketView parse(std::span<const std::byte> frame) noexcept {
  PacketView view;
  view.frame = frame.data();
  view.frame_length = static_cast<std::uint32_t>(frame.size());
  if (frame.size() < detail::kEthernetHeader) [[unlikely]] {
    detail::set_malformed(view, Malformed::kTruncatedEthernet);
  } else if (load_be16(frame.data() + 12) == detail::kEtherTypeIpv4) {
    view.l3_offset = detail::kEthernetHeader;
    detail::parse_ipv4(frame, view);
  } else {
    detail::parse_other(frame, view);
  }
  return view;
}

}  // namespace afxfw
