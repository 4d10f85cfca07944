#include "net/packet_view.h"

namespace afxfw {
namespace {

using detail::kEthernetHeader;
using detail::kEtherTypeIpv4;
using detail::kFragmentOffset;
using detail::kIpv4Header;
using detail::kMoreFragments;
using detail::kTcpHeader;
using detail::kUdpHeader;

constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
constexpr std::uint16_t kEtherTypeVlan = 0x8100;
constexpr std::uint16_t kEtherTypeProviderVlan = 0x88a8;
constexpr std::size_t kVlanTag = 4;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kExtensionHeader = 8;  // the shortest of each kind
// In units of 8 bytes: a TCP fragment there supplies, or overwrites, the flags.
constexpr unsigned kTcpOverlapOffset = 1;

void set_malformed(PacketView& view, Malformed reason) noexcept {
  view.status = ParseStatus::kMalformed;
  view.reason = reason;
}

/// The upper layer: l4_offset, ip_end, protocol and fragment are set.
void parse_transport(PacketView& view) noexcept {
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
void parse_ipv4(std::span<const std::byte> frame, PacketView& view) noexcept {
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
  if ((fragment & (kMoreFragments | kFragmentOffset)) != 0) {
    view.fragment = (fragment & kFragmentOffset) != 0 ? Fragment::kLater : Fragment::kFirst;
    if ((fragment & kFragmentOffset) == kTcpOverlapOffset && view.protocol == IPPROTO_TCP) {
      return set_malformed(view, Malformed::kFragmentOverlap);
    }
  }
  parse_transport(view);
}

bool is_vlan(std::uint16_t ether_type) noexcept {
  return ether_type == kEtherTypeVlan || ether_type == kEtherTypeProviderVlan;
}

bool is_extension(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_FRAGMENT:
    case IPPROTO_AH:
    case IPPROTO_DSTOPTS:
      return true;
    default:
      return false;
  }
}

/// RFC 8200, sections 4.2 to 4.6; the authentication header counts in units of
/// four bytes (RFC 4302, section 2.2).
std::size_t extension_length(std::uint8_t protocol, const std::byte* header) noexcept {
  const std::size_t length = load_u8(header + 1);
  switch (protocol) {
    case IPPROTO_FRAGMENT:
      return kExtensionHeader;
    case IPPROTO_AH:
      return (length + 2) * 4;
    default:
      return (length + 1) * 8;
  }
}

/// One fragment header. `next`: the protocol it names.
void parse_fragment(const std::byte* header, std::uint8_t next, PacketView& view) noexcept {
  constexpr unsigned kMore = 1;
  const unsigned field = load_be16(header + 2);
  const unsigned offset = field >> 3;

  view.has_fragment_header = true;
  if ((field & kMore) != 0) view.fragment = Fragment::kFirst;
  if (offset == 0) return;
  view.fragment = Fragment::kLater;
  view.protocol = is_extension(next) ? PacketView::kProtocolUnknown : next;
  if (offset == kTcpOverlapOffset && next == IPPROTO_TCP) {
    view.reason = Malformed::kFragmentOverlap;
  }
}

/// From the header of kind `next` at l4_offset to the upper protocol.
void walk_extensions(std::uint8_t next, PacketView& view) noexcept {
  for (std::size_t count = 0; is_extension(next); ++count) {
    const std::size_t left = view.ip_end - view.l4_offset;
    const std::byte* header = view.frame + view.l4_offset;
    const std::uint8_t kind = next;
    if (count == PacketView::kMaxExtensionHeaders) {
      view.reason = Malformed::kExtensionHeaders;
      return;
    }
    if (left < kExtensionHeader || left < extension_length(kind, header)) {
      view.reason = Malformed::kTruncatedExtension;
      return;
    }
    next = load_u8(header);
    view.l4_offset = static_cast<std::uint16_t>(view.l4_offset + extension_length(kind, header));
    if (kind == IPPROTO_FRAGMENT) {
      parse_fragment(header, next, view);
      if (view.fragment == Fragment::kLater) return;
    }
  }
  view.protocol = next;
}

void parse_ipv6(std::span<const std::byte> frame, PacketView& view) noexcept {
  const std::size_t available = frame.size() - view.l3_offset;
  const std::byte* header = view.frame + view.l3_offset;
  if (available < kIpv6Header) return set_malformed(view, Malformed::kTruncatedIp);
  if (load_u8(header) >> 4 != 6) return set_malformed(view, Malformed::kIpVersion);
  const std::size_t payload_length = load_be16(header + 4);
  if (payload_length > available - kIpv6Header) {
    return set_malformed(view, Malformed::kIpTotalLength);
  }
  view.version = 6;
  view.l4_offset = static_cast<std::uint16_t>(view.l3_offset + kIpv6Header);
  view.ip_end = static_cast<std::uint32_t>(view.l4_offset + payload_length);
  walk_extensions(load_u8(header + 6), view);
  if (view.reason != Malformed::kNone) return;
  parse_transport(view);
}

/// The Ethernet header with its tags, and all after it.
void parse_ethernet(std::span<const std::byte> frame, PacketView& view) noexcept {
  if (frame.size() < kEthernetHeader) return set_malformed(view, Malformed::kTruncatedEthernet);
  std::size_t offset = kEthernetHeader;
  std::uint16_t type = load_be16(view.frame + offset - 2);
  while (is_vlan(type)) {
    if (view.vlan_depth == PacketView::kMaxVlanTags) {
      return set_malformed(view, Malformed::kVlanDepth);
    }
    if (frame.size() - offset < kVlanTag) {
      return set_malformed(view, Malformed::kTruncatedEthernet);
    }
    view.vlan_ids[view.vlan_depth++] = load_be16(view.frame + offset) & 0xfff;
    type = load_be16(view.frame + offset + 2);
    offset += kVlanTag;
  }
  view.l3_offset = static_cast<std::uint16_t>(offset);
  if (type == kEtherTypeIpv4) return parse_ipv4(frame, view);
  if (type == kEtherTypeIpv6) return parse_ipv6(frame, view);
  view.status = ParseStatus::kNotIp;
}

}  // namespace

PacketView detail::parse_any(std::span<const std::byte> frame) noexcept {
  PacketView view;
  view.frame = frame.data();
  view.frame_length = static_cast<std::uint32_t>(frame.size());
  parse_ethernet(frame, view);
  return view;
}

bool is_neighbour_discovery(const PacketView& view) noexcept {
  constexpr std::size_t kShortestMessage = 8;  // RFC 4861, section 6.1.1
  constexpr unsigned kRouterSolicitation = 133;
  constexpr unsigned kRedirect = 137;
  constexpr unsigned kHopLimit = 255;

  if (!view.ok() || view.version != 6 || view.protocol != IPPROTO_ICMPV6 ||
      view.has_fragment_header || view.l4().size() < kShortestMessage) {
    return false;
  }
  const std::byte* icmp = view.frame + view.l4_offset;
  const unsigned type = load_u8(icmp);
  return load_u8(view.frame + view.l3_offset + 7) == kHopLimit && type >= kRouterSolicitation &&
         type <= kRedirect && load_u8(icmp + 1) == 0;
}

}  // namespace afxfw
