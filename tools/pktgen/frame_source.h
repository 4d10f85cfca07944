#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace afxfw::pktgen {

/// A packet to be written.
struct FrameSlot {
  std::uint64_t index = 0;     ///< number of the packet within the run
  std::byte* bytes = nullptr;  ///< FrameSource::largest_bytes() of them, zeros at first
  std::uint32_t length = 0;    ///< set by write(): of the frame, without FCS
};

/// Where an AF_XDP sender's frames come from. One for each thread. A call is a
/// batch, so being virtual costs nothing.
class FrameSource {
 public:
  FrameSource() = default;
  virtual ~FrameSource() = default;
  FrameSource(const FrameSource&) = delete;
  FrameSource& operator=(const FrameSource&) = delete;

  [[nodiscard]] virtual std::uint32_t largest_bytes() const noexcept = 0;

  /// Writes the packets. A slot's memory has held none but this source's frames.
  virtual void write(std::span<FrameSlot> slots) noexcept = 0;
};

}  // namespace afxfw::pktgen
