#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace afxfw::test {

using Bytes = std::vector<std::byte>;

/// "45 00 00 2a" or "4500002a". Throws std::invalid_argument.
[[nodiscard]] Bytes hex(std::string_view text);

/// The frame with zeros up to Ethernet's 60 bytes.
[[nodiscard]] Bytes padded(Bytes frame);

/// The internet checksum by the book, one 16-bit word at a time.
[[nodiscard]] std::uint16_t naive_checksum(std::span<const std::byte> bytes);

/// Addresses, from text. Throw std::invalid_argument. Constructors out of line
/// and nothing to destroy, because tests make hundreds of packets and compilers
/// take minutes over strings.
struct MacAddress {
  MacAddress(const char* text);
  MacAddress(const std::string& text) : MacAddress(text.c_str()) {}
  std::array<std::byte, 6> bytes;
};

struct Ipv4Address {
  Ipv4Address(const char* text);
  Ipv4Address(const std::string& text) : Ipv4Address(text.c_str()) {}
  std::array<std::byte, 4> bytes;
};

struct Ipv6Address {
  Ipv6Address(const char* text);
  Ipv6Address(const std::string& text) : Ipv6Address(text.c_str()) {}
  std::array<std::byte, 16> bytes;
};

/// Appends big-endian fields.
class Writer {
 public:
  Writer& u8(unsigned value);
  Writer& u16(unsigned value) { return u8(value >> 8).u8(value); }
  Writer& u32(std::uint32_t value) { return u16(value >> 16).u16(value); }
  Writer& raw(std::span<const std::byte> more);
  Writer& pad_to_multiple_of(std::size_t unit);

  void set_u16(std::size_t offset, unsigned value);

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

}  // namespace afxfw::test
