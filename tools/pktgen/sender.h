#pragma once

#include <cstdint>

namespace afxfw::pktgen {

/// What became of some frames. attempted = sent + refused, unless the kernel
/// broke off in between.
struct SendResult {
  std::uint64_t attempted = 0;
  std::uint64_t sent = 0;     ///< accepted by the driver
  std::uint64_t bytes = 0;    ///< of those
  std::uint64_t refused = 0;  ///< offered again by later calls, before new packets
  int error = 0;              ///< errno of the last refusal; 0: no room in the driver's queue

  SendResult& operator+=(const SendResult& more) noexcept {
    attempted += more.attempted;
    sent += more.sent;
    bytes += more.bytes;
    refused += more.refused;
    if (more.refused > 0) error = more.error;
    return *this;
  }
};

/// Sends one thread's share of a run's packets: `first`, `first + stride`, ...
/// Used by one thread at a time, pinned to the CPU that it was made for. A call
/// is thousands of packets, so being virtual costs nothing.
class Sender {
 public:
  Sender() = default;
  virtual ~Sender() = default;
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  /// Offers the next `frames` frames to the driver and returns when the fate of
  /// each is known. Throws Error when that cannot be repaired.
  virtual SendResult send(std::uint64_t frames) = 0;
};

}  // namespace afxfw::pktgen
