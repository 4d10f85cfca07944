#include "replay/frame_maker.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "net/byte_order.h"

namespace afxfw {
namespace {

constexpr std::size_t kEthernetHeader = 14;
constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
/// Below 0x600, so an 802.3 length to every parser: not IP.
constexpr std::uint16_t kNoEtherType = 0;
/// Beyond the longest IP packet and its headers nothing is looked at, and a
/// damaged capture may claim 4 GiB.
constexpr std::size_t kLongestPadded = kEthernetHeader + 8 + 40 + 65535;

using Mac = std::array<std::byte, 6>;

struct LinkHeader {
  std::size_t length = 0;
  std::uint16_t ether_type = kNoEtherType;
  Mac source{};
};

Mac read_mac(std::span<const std::byte> field, std::size_t length) noexcept {
  Mac mac{};
  if (length == mac.size()) std::copy_n(field.begin(), mac.size(), mac.begin());
  return mac;
}

/// The protocol of a cooked header, which is an EtherType only if the device's
/// type (ARPHRD_) doesn't give it another meaning.
std::uint16_t cooked_ether_type(std::uint16_t protocol, std::uint16_t device_type) noexcept {
  constexpr std::uint16_t kFrad = 770;
  constexpr std::uint16_t kRadiotap = 803;
  constexpr std::uint16_t kNetlink = 824;
  const bool other_meaning =
      device_type == kFrad || device_type == kRadiotap || device_type == kNetlink;
  return other_meaning ? kNoEtherType : protocol;
}

std::uint16_t ip_ether_type(std::span<const std::byte> packet) noexcept {
  return !packet.empty() && load_u8(packet.data()) >> 4 == 6 ? kEtherTypeIpv6 : kEtherTypeIpv4;
}

/// Address families as the systems that write such captures number them.
std::uint16_t family_ether_type(std::uint32_t family) noexcept {
  // In the byte order of the machine that captured, whatever that was.
  if (family > 0xffff) family = __builtin_bswap32(family);
  switch (family) {
    case 2:
      return kEtherTypeIpv4;
    case 10:  // Linux
    case 24:  // NetBSD, OpenBSD
    case 28:  // FreeBSD
    case 30:  // macOS
      return kEtherTypeIpv6;
    default:
      return kNoEtherType;
  }
}

/// Nothing if the header is cut off.
std::optional<LinkHeader> read_link_header(LinkType type, std::span<const std::byte> packet) {
  const std::byte* data = packet.data();
  switch (type) {
    case LinkType::kEthernet:
      break;
    case LinkType::kRawIp:
      return LinkHeader{0, ip_ether_type(packet), {}};
    case LinkType::kIpv4:
      return LinkHeader{0, kEtherTypeIpv4, {}};
    case LinkType::kIpv6:
      return LinkHeader{0, kEtherTypeIpv6, {}};
    case LinkType::kLinuxCooked:
      if (packet.size() < 16) return std::nullopt;
      return LinkHeader{16, cooked_ether_type(load_be16(data + 14), load_be16(data + 2)),
                        read_mac(packet.subspan(6, 8), load_be16(data + 4))};
    case LinkType::kLinuxCooked2:
      if (packet.size() < 20) return std::nullopt;
      return LinkHeader{20, cooked_ether_type(load_be16(data), load_be16(data + 8)),
                        read_mac(packet.subspan(12, 8), load_u8(data + 11))};
    case LinkType::kLoopback:
      if (packet.size() < 4) return std::nullopt;
      return LinkHeader{4, family_ether_type(load_be32(data)), {}};
  }
  return std::nullopt;
}

}  // namespace

Frame FrameMaker::make(const CapturedPacket& packet) {
  const std::span<const std::byte> captured = packet.bytes;
  const std::size_t cut_off = packet.length_bytes - captured.size();
  buffer_.clear();
  if (link_type_ == LinkType::kEthernet) {
    if (cut_off == 0) return {captured, captured.size()};
    buffer_.assign(captured.begin(), captured.end());
  } else if (const auto header = read_link_header(link_type_, captured)) {
    buffer_.resize(kEthernetHeader);
    std::copy(header->source.begin(), header->source.end(), buffer_.begin() + 6);
    store_be16(buffer_.data() + 12, header->ether_type);
    buffer_.insert(buffer_.end(), captured.begin() + static_cast<std::ptrdiff_t>(header->length),
                   captured.end());
  }
  const std::size_t known = buffer_.size();
  buffer_.resize(std::max(known, std::min(known + cut_off, kLongestPadded)));
  return {buffer_, known};
}

}  // namespace afxfw
