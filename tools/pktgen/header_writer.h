#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

#include "xsk/link.h"

namespace afxfw::pktgen {

/// Appends big-endian fields to the headers.
class HeaderWriter {
 public:
  explicit HeaderWriter(std::span<std::uint8_t> to) : to_(to) {}

  HeaderWriter& u8(std::uint32_t value) {
    assert(used_ < to_.size());
    to_[used_++] = static_cast<std::uint8_t>(value & 0xff);
    return *this;
  }
  HeaderWriter& u16(std::uint32_t value) { return u8(value >> 8).u8(value); }
  HeaderWriter& u32(std::uint32_t value) { return u16(value >> 16).u16(value); }
  HeaderWriter& zeros(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) u8(0);
    return *this;
  }
  HeaderWriter& mac(const MacAddress& address) {
    for (const std::uint8_t octet : address) u8(octet);
    return *this;
  }
  [[nodiscard]] std::uint32_t used() const { return static_cast<std::uint32_t>(used_); }

 private:
  std::span<std::uint8_t> to_;
  std::size_t used_ = 0;
};

}  // namespace afxfw::pktgen
