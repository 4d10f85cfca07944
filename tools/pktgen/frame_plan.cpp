#include "pktgen/frame_plan.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>
#include <span>

#include "pktgen/header_writer.h"
#include "util/error.h"

namespace afxfw::pktgen {

namespace {

constexpr std::uint32_t kMacHeaderBytes = 14;
constexpr std::uint32_t kVlanBytes = 4;
constexpr std::uint32_t kIpv4Bytes = 20;
constexpr std::uint32_t kIpv6Bytes = 40;
constexpr std::uint32_t kIpv6FragmentBytes = 8;
// IEEE 802.3: 64 bytes with the FCS.
constexpr std::uint32_t kSmallestFrame = 60;
// Data of a fragment comes in units of this many bytes (RFC 791, RFC 8200).
constexpr std::uint32_t kFragmentUnit = 8;
constexpr std::uint8_t kTtl = 64;

std::uint32_t l4_header_bytes(Protocol protocol) {
  switch (protocol) {
    case Protocol::kUdp:
    case Protocol::kIcmp:
      return 8;
    case Protocol::kTcp:
      break;
  }
  return 20;
}

std::uint8_t protocol_number(Protocol protocol, bool ipv6) {
  switch (protocol) {
    case Protocol::kUdp:
      return IPPROTO_UDP;
    case Protocol::kTcp:
      return IPPROTO_TCP;
    case Protocol::kIcmp:
      break;
  }
  return ipv6 ? std::uint8_t{IPPROTO_ICMPV6} : std::uint8_t{IPPROTO_ICMP};
}

/// Where everything is; all in bytes.
struct Layout {
  bool ipv6 = false;
  bool fragment = false;
  std::uint32_t ip_offset = 0;
  std::uint32_t l4_offset = 0;  ///< of the L4 header or the fragment's data
  std::uint32_t l4_header = 0;  ///< 0 in a later fragment
  std::uint32_t frame = 0;
  [[nodiscard]] std::uint32_t header() const { return l4_offset + l4_header; }
  [[nodiscard]] std::uint32_t ip_payload() const { return frame - l4_offset; }
  /// The L4 header and its data: of a fragmented datagram, that of both fragments.
  [[nodiscard]] std::uint32_t l4_bytes() const {
    return fragment ? 2 * ip_payload() : ip_payload();
  }
};

Layout lay_out(const TrafficOptions& traffic) {
  Layout layout;
  layout.ipv6 = traffic.source.family() == Family::kIpv6;
  layout.fragment = traffic.fragment != Fragment::kNone;
  layout.ip_offset = link_header_bytes(traffic);
  layout.l4_offset = layout.ip_offset + (layout.ipv6 ? kIpv6Bytes : kIpv4Bytes);
  if (layout.fragment && layout.ipv6) layout.l4_offset += kIpv6FragmentBytes;
  if (traffic.fragment != Fragment::kLater) layout.l4_header = l4_header_bytes(traffic.protocol);

  // Both fragments of a datagram are as long, so both must hold the L4 header.
  std::uint32_t smallest =
      std::max(kSmallestFrame, layout.l4_offset + l4_header_bytes(traffic.protocol) +
                                   (traffic.stamped ? PKTGEN_STAMP_BYTES : 0));
  if (layout.fragment) {
    const std::uint32_t data = smallest - layout.l4_offset;
    smallest += (kFragmentUnit - data % kFragmentUnit) % kFragmentUnit;
  }
  layout.frame = traffic.frame_bytes == 0 ? smallest : traffic.frame_bytes;
  if (layout.frame < smallest) {
    throw Error(fmt::format("--size: {} bytes are too few for these headers{}; at least {}",
                            layout.frame, traffic.stamped ? " and a stamp" : "", smallest),
                ExitCode::kUsage);
  }
  if (layout.fragment && layout.ip_payload() % kFragmentUnit != 0) {
    throw Error(fmt::format("--size: a fragment's data is a multiple of {} bytes; {} would do",
                            kFragmentUnit, layout.frame - layout.ip_payload() % kFragmentUnit),
                ExitCode::kUsage);
  }
  // The IP length fields have 16 bits, and so has the UDP length of both fragments.
  if (layout.l4_bytes() + kIpv4Bytes > 0xffff) {
    throw Error(fmt::format("--size: {} bytes are too many for an IP packet", layout.frame),
                ExitCode::kUsage);
  }
  return layout;
}

void write_link_header(HeaderWriter& out, const TrafficOptions& traffic,
                       const MacAddress& source_mac, bool ipv6) {
  constexpr std::uint16_t kEtherVlan = 0x8100;
  constexpr std::uint16_t kEtherIpv4 = 0x0800;
  constexpr std::uint16_t kEtherIpv6 = 0x86dd;
  out.mac(traffic.destination_mac).mac(traffic.source_mac.value_or(source_mac));
  if (traffic.vlan_id) out.u16(kEtherVlan).u16(*traffic.vlan_id);
  out.u16(ipv6 ? kEtherIpv6 : kEtherIpv4);
}

// Identification, checksum and addresses differ from packet to packet.
void write_ipv4(HeaderWriter& out, const TrafficOptions& traffic, const Layout& layout) {
  constexpr std::uint32_t kDontFragment = 0x4000;
  constexpr std::uint32_t kMoreFragments = 0x2000;
  std::uint32_t fragment = kDontFragment;
  if (traffic.fragment == Fragment::kFirst) fragment = kMoreFragments;
  if (traffic.fragment == Fragment::kLater) fragment = layout.ip_payload() / kFragmentUnit;
  out.u16(0x4500).u16(kIpv4Bytes + layout.ip_payload()).u16(0).u16(fragment);
  out.u8(kTtl).u8(protocol_number(traffic.protocol, false)).u16(0).u32(0).u32(0);
}

// Addresses and the fragment's identification differ from packet to packet.
void write_ipv6(HeaderWriter& out, const TrafficOptions& traffic, const Layout& layout) {
  constexpr std::uint32_t kMoreFragments = 1;
  const std::uint8_t protocol = protocol_number(traffic.protocol, true);
  const std::uint32_t extension = layout.fragment ? kIpv6FragmentBytes : 0;
  out.u32(0x60000000).u16(extension + layout.ip_payload());
  out.u8(layout.fragment ? std::uint8_t{IPPROTO_FRAGMENT} : protocol).u8(kTtl).zeros(32);
  if (!layout.fragment) return;
  // The offset's unit is 8 bytes and its field begins at bit 3: the two cancel out.
  out.u8(protocol).u8(0);
  out.u16(traffic.fragment == Fragment::kFirst ? kMoreFragments : layout.ip_payload()).u32(0);
}

// Ports and checksum differ from packet to packet.
void write_l4(HeaderWriter& out, const TrafficOptions& traffic, const Layout& layout) {
  switch (traffic.protocol) {
    case Protocol::kUdp:
      out.u32(0).u16(layout.l4_bytes()).u16(0);
      return;
    case Protocol::kTcp: {
      constexpr std::uint32_t kDataOffset = 5U << 4;  // 20 bytes, no options
      constexpr std::uint32_t kWindow = 65535;
      out.u32(0).u32(0).u32(0).u8(kDataOffset).u8(traffic.tcp_flags).u16(kWindow).u32(0);
      return;
    }
    case Protocol::kIcmp:
      constexpr std::uint8_t kEchoRequest = 8;
      constexpr std::uint8_t kEchoRequest6 = 128;
      out.u8(layout.ipv6 ? kEchoRequest6 : kEchoRequest).u8(0).u16(0).u32(0);
      return;
  }
}

std::uint32_t l4_kind(const TrafficOptions& traffic) {
  if (traffic.fragment == Fragment::kLater) return PKTGEN_L4_NONE;
  switch (traffic.protocol) {
    case Protocol::kUdp:
      return PKTGEN_L4_UDP;
    case Protocol::kTcp:
      return PKTGEN_L4_TCP;
    case Protocol::kIcmp:
      break;
  }
  return PKTGEN_L4_ICMP;
}

std::uint32_t sum_words(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(bytes[i]) << 8 | bytes[i + 1];
  }
  return sum;
}

pktgen_address to_address(Ipv6Bits bits) {
  return {static_cast<std::uint64_t>(bits >> 64), static_cast<std::uint64_t>(bits)};
}

pktgen_addresses to_addresses(const Prefix& prefix) {
  const Ipv6Bits mask = prefix.first() ^ prefix.last();
  pktgen_addresses addresses{};
  addresses.base = to_address(prefix.first());
  addresses.mask = to_address(mask);
  addresses.low_bits = static_cast<std::uint32_t>(std::popcount(addresses.mask.low));
  return addresses;
}

pktgen_ports to_ports(const PortRange& range) {
  return {range.first, static_cast<std::uint32_t>(range.last - range.first + 1)};
}

/// Gives each flow its part of the walk through all combinations.
void plan_flows(pktgen_packet& packet, const TrafficOptions& traffic) {
  const std::uint64_t most = combinations(traffic);
  if (traffic.flows > most) {
    throw Error(
        fmt::format("--flows: these addresses and ports make {} flows, not {}; widen --src, "
                    "--dst, --sport or --dport",
                    most, traffic.flows),
        ExitCode::kUsage);
  }
  packet.flows = traffic.flows;
  packet.flow_step = traffic.flows == 0 ? 0 : most / traffic.flows;
  packet.stamped = traffic.stamped ? 1 : 0;
  packet.run = traffic.run;
  packet.written = packet.header_length + (traffic.stamped ? PKTGEN_STAMP_BYTES : 0);
}

}  // namespace

std::uint64_t combinations(const TrafficOptions& traffic) noexcept {
  constexpr auto kMost = static_cast<Ipv6Bits>(std::numeric_limits<std::uint64_t>::max());
  Ipv6Bits product = 1;
  // Both factors are at most 2^64, and at the limit the product stays below 2^128.
  const auto times = [&](Ipv6Bits factor) { product = std::min(product * factor, kMost); };
  // Of an address, the walk takes no more than the low 64 bits.
  for (const Prefix& prefix : {traffic.source, traffic.destination}) {
    const auto low = static_cast<std::uint64_t>(prefix.first() ^ prefix.last());
    times(Ipv6Bits{low} + 1);
  }
  times(traffic.source_port.last - traffic.source_port.first + 1U);
  // The destination port's place is the sequence number of an ICMP echo.
  if (traffic.protocol != Protocol::kIcmp) {
    times(traffic.destination_port.last - traffic.destination_port.first + 1U);
  }
  return static_cast<std::uint64_t>(product);
}

std::uint32_t link_header_bytes(const TrafficOptions& traffic) noexcept {
  return kMacHeaderBytes + (traffic.vlan_id ? kVlanBytes : 0);
}

FramePlan plan_frames(const TrafficOptions& traffic, const MacAddress& source_mac) {
  const Layout layout = lay_out(traffic);
  FramePlan plan;
  pktgen_packet& packet = plan.packet;
  packet.seed = traffic.seed;
  packet.source = to_addresses(traffic.source);
  packet.destination = to_addresses(traffic.destination);
  packet.source_port = to_ports(traffic.source_port);
  packet.destination_port = to_ports(traffic.destination_port);
  packet.order = traffic.order == Order::kRandom ? PKTGEN_RANDOM : PKTGEN_SEQUENTIAL;
  packet.l4 = l4_kind(traffic);
  packet.ip_version = layout.ipv6 ? 6 : 4;
  packet.is_fragment = layout.fragment ? 1 : 0;
  packet.ip_offset = layout.ip_offset;
  packet.l4_offset = layout.l4_offset;
  packet.header_length = layout.header();
  plan_flows(packet, traffic);

  HeaderWriter out(packet.header);
  write_link_header(out, traffic, source_mac, layout.ipv6);
  if (layout.ipv6) {
    write_ipv6(out, traffic, layout);
  } else {
    write_ipv4(out, traffic, layout);
  }
  if (layout.l4_header != 0) write_l4(out, traffic, layout);
  assert(out.used() == packet.header_length);

  const std::span<const std::uint8_t> header(packet.header);
  if (!layout.ipv6) packet.ip_sum = sum_words(header.subspan(layout.ip_offset, kIpv4Bytes));
  if (layout.l4_header != 0) {
    packet.l4_sum = sum_words(header.subspan(layout.l4_offset, layout.l4_header));
    // ICMP over IPv4 has no pseudo header.
    if (layout.ipv6 || traffic.protocol != Protocol::kIcmp) {
      packet.l4_sum += layout.l4_bytes() + protocol_number(traffic.protocol, layout.ipv6);
    }
  }

  plan.frame.resize(layout.frame);
  std::memcpy(plan.frame.data(), packet.header, packet.header_length);
  return plan;
}

}  // namespace afxfw::pktgen
