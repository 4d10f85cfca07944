#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "net/address.h"

namespace afxfw {

/// Big-endian fields of a packet, at any alignment, from and to host order.
/// The caller has checked that the bytes are there.
[[nodiscard]] inline std::uint8_t load_u8(const std::byte* field) noexcept {
  return std::to_integer<std::uint8_t>(*field);
}

[[nodiscard]] inline std::uint16_t load_be16(const std::byte* field) noexcept {
  std::uint16_t value;
  std::memcpy(&value, field, sizeof(value));
  return std::endian::native == std::endian::big ? value : __builtin_bswap16(value);
}

/// Whether any of these bits, in host order, is set in a field.
[[nodiscard]] inline bool has_be16_bits(const std::byte* field, std::uint16_t bits) noexcept {
  std::uint16_t value;
  std::memcpy(&value, field, sizeof(value));
  const bool is_big = std::endian::native == std::endian::big;
  return (value & (is_big ? bits : __builtin_bswap16(bits))) != 0;
}

[[nodiscard]] inline std::uint32_t load_be32(const std::byte* field) noexcept {
  std::uint32_t value;
  std::memcpy(&value, field, sizeof(value));
  return std::endian::native == std::endian::big ? value : __builtin_bswap32(value);
}

[[nodiscard]] inline std::uint64_t load_be64(const std::byte* field) noexcept {
  std::uint64_t value;
  std::memcpy(&value, field, sizeof(value));
  return std::endian::native == std::endian::big ? value : __builtin_bswap64(value);
}

[[nodiscard]] inline Ipv6Bits load_be128(const std::byte* field) noexcept {
  return static_cast<Ipv6Bits>(load_be64(field)) << 64 | load_be64(field + 8);
}

inline void store_be16(std::byte* field, std::uint16_t value) noexcept {
  field[0] = static_cast<std::byte>(value >> 8);
  field[1] = static_cast<std::byte>(value & 0xff);
}

}  // namespace afxfw
