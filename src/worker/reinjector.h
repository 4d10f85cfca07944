#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "xsk/frame_pool.h"
#include "xsk/xsk_socket.h"

namespace afxfw {

/// Sends a worker's accepted frames through a TX ring and takes them back when
/// the kernel has sent them. The frames stay where they were received: nothing
/// is copied in user space. Belongs to the worker's thread.
class Reinjector {
 public:
  /// `socket` has a TX ring and outlives this; `pool` tracks its frames.
  Reinjector(XskSocket& socket, FramePool& pool) noexcept : socket_(socket), pool_(pool) {}

  /// Completed frames back to the pool. First thing in a batch.
  void reap() noexcept;

  /// Takes over frames of the batch: each is queued for sending, or, when the
  /// ring has no room after a bounded number of wake-ups, released and counted
  /// in tx_full.
  void send(std::span<const xdp_desc> frames) noexcept;

  /// Wakes the kernel while it has frames to send. Last thing in a batch.
  void flush() noexcept;

  /// For the end: waits until everything queued has been sent, no longer than
  /// `limit`. Frames still unsent then are counted in tx_full.
  void drain(std::chrono::milliseconds limit) noexcept;

  /// Frames queued or being sent.
  [[nodiscard]] bool busy() const noexcept { return pool_.sending() != 0; }

  [[nodiscard]] std::uint64_t reinjected() const noexcept { return reinjected_; }
  [[nodiscard]] std::uint64_t tx_full() const noexcept { return tx_full_; }
  [[nodiscard]] std::uint64_t bad_descriptors() const noexcept { return bad_descriptors_; }

 private:
  /// True when the kernel took everything or cannot take more now.
  bool wake() noexcept;

  XskSocket& socket_;
  FramePool& pool_;
  std::uint64_t reinjected_ = 0;
  std::uint64_t tx_full_ = 0;
  std::uint64_t bad_descriptors_ = 0;
};

}  // namespace afxfw
