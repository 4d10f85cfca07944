#include "net/packet_view.h"

namespace afxfw {
namespace {

constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
constexpr std::uint16_t kEtherTypeVlan = 0x8100;
constexpr std::uint16_t kEtherTypeProviderVlan = 0x88a8;
constexpr std::size_t kVlanTag = 4;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kExtensionHeader = 8;  // the shortest of each kind

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
  constexpr unsigned kMoreFragments = 1;
  const unsigned field = load_be16(header + 2);
  const unsigned offset = field >> 3;

  view.has_fragment_header = true;
  if ((field & kMoreFragments) != 0) view.fragment = Fragment::kFirst;
  if (offset == 0) return;
  view.fragment = Fragment::kLater;
  view.protocol = is_extension(next) ? PacketView::kProtocolUnknown : next;
  if (offset == detail::kTcpOverlapOffset && next == IPPROTO_TCP) {
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
  if (available < kIpv6Header) return detail::set_malformed(view, Malformed::kTruncatedIp);
  if (load_u8(header) >> 4 != 6) return detail::set_malformed(view, Malformed::kIpVersion);
  const std::size_t payload_length = load_be16(header + 4);
  if (payload_length > available - kIpv6Header) {
    return detail::set_malformed(view, Malformed::kIpTotalLength);
  }
  view.version = 6;
  view.l4_offset = static_cast<std::uint16_t>(view.l3_offset + kIpv6Header);
  view.ip_end = static_cast<std::uint32_t>(view.l4_offset + payload_length);
  walk_extensions(load_u8(header + 6), view);
  if (view.reason != Malformed::kNone) return;
  detail::parse_transport(view);
}

}  // namespace

void detail::parse_other(std::span<const std::byte> frame, PacketView& view) noexcept {
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
