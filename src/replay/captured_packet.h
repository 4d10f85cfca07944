#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace afxfw {

/// Since 1970, UTC. nanoseconds: 0 to 10^9 - 1, whatever a damaged capture has.
struct CaptureTime {
  std::int64_t seconds = 0;
  std::int32_t nanoseconds = 0;

  friend constexpr bool operator==(const CaptureTime&, const CaptureTime&) = default;
  friend constexpr bool operator<(const CaptureTime& a, const CaptureTime& b) noexcept {
    return a.seconds != b.seconds ? a.seconds < b.seconds : a.nanoseconds < b.nanoseconds;
  }
};

/// One record of a capture file.
struct CapturedPacket {
  std::span<const std::byte> bytes;  ///< with its link header; at most length_bytes
  std::uint32_t length_bytes = 0;    ///< on the wire: more than bytes if a snap length cut it
  CaptureTime time{};

  [[nodiscard]] bool truncated() const noexcept { return bytes.size() < length_bytes; }
};

}  // namespace afxfw
