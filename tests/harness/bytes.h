#pragma once

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

/// Appends big-endian fields. Addresses that can't be read throw
/// std::invalid_argument.
class Writer {
 public:
  Writer& u8(unsigned value);
  Writer& u16(unsigned value) { return u8(value >> 8).u8(value); }
  Writer& u32(std::uint32_t value) { return u16(value >> 16).u16(value); }
  Writer& raw(std::span<const std::byte> more);
  Writer& pad_to_multiple_of(std::size_t unit);
  Writer& mac(const std::string& text);
  Writer& address(int family, const std::string& text);

  void set_u16(std::size_t offset, unsigned value);

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

}  // namespace afxfw::test
