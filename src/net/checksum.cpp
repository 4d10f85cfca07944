#include "net/checksum.h"

#include <bit>
#include <cstring>

namespace afxfw {
namespace {

/// The sum of the 16-bit words as they are in memory, not yet folded: a ones'
/// complement sum may be taken in either byte order, and in larger words, as
/// long as the result is put right once (RFC 1071, section 2).
std::uint64_t memory_order_sum(std::span<const std::byte> bytes) noexcept {
  std::uint64_t sum = 0;
  const std::byte* position = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= sizeof(std::uint32_t); left -= sizeof(std::uint32_t)) {
    std::uint32_t word;
    std::memcpy(&word, position, sizeof(word));
    sum += word;
    position += sizeof(word);
  }
  if (left > 0) {
    std::uint32_t word = 0;
    std::memcpy(&word, position, left);
    sum += word;
  }
  return sum;
}

std::uint16_t fold(std::uint64_t sum) noexcept {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

/// From the order in memory to the host's and back.
std::uint16_t swap_order(std::uint16_t value) noexcept {
  return std::endian::native == std::endian::big ? value : __builtin_bswap16(value);
}

/// Addresses, protocol and upper length (RFC 9293, section 3.1; RFC 8200,
/// section 8.1), as memory_order_sum().
std::uint64_t pseudo_header_sum(const PacketView& view, std::size_t length) noexcept {
  const std::size_t offset = view.version == 4 ? 12 : 8;
  const std::size_t size = view.version == 4 ? 2 * 4 : 2 * 16;
  return memory_order_sum({view.frame + view.l3_offset + offset, size}) +
         swap_order(view.protocol) + swap_order(static_cast<std::uint16_t>(length));
}

}  // namespace

std::uint16_t internet_checksum(std::span<const std::byte> bytes) noexcept {
  return static_cast<std::uint16_t>(~swap_order(fold(memory_order_sum(bytes))));
}

bool finish_partial_checksum(std::span<std::byte> frame, const PacketView& view) noexcept {
  if (!view.ok() || !view.has_ports || view.fragment != Fragment::kNone) return false;

  const bool udp = view.protocol == IPPROTO_UDP;
  const std::span<const std::byte> l4 = view.l4();
  const std::size_t length = udp ? load_be16(l4.data() + 4) : l4.size();
  const std::size_t field = udp ? 6 : 16;
  const std::uint64_t pseudo_header = pseudo_header_sum(view, length);
  if (load_be16(l4.data() + field) != swap_order(fold(pseudo_header))) return false;

  // The field already stands for the pseudo header, so the sum of the segment
  // as it is, is the sum that the checksum complements.
  const std::uint64_t segment = memory_order_sum(l4.first(length));
  if (fold(segment + pseudo_header) == 0xffff) return false;
  std::uint16_t checksum = static_cast<std::uint16_t>(~swap_order(fold(segment)));
  if (udp && checksum == 0) checksum = 0xffff;  // RFC 768: 0 means none
  store_be16(frame.data() + view.l4_offset + field, checksum);
  return true;
}

}  // namespace afxfw
