#pragma once

#include <xdp/xsk.h>

#include <algorithm>
#include <cstdint>
#include <span>

namespace afxfw {

/// The four rings of an AF_XDP socket (kernel documentation: af_xdp.rst),
/// moved a batch at a time. Indices are free-running 32-bit counters, so that
/// the difference producer - consumer is right across the wrap at 2^32.
///
/// Each ring has one producer and one consumer, the kernel being one of them:
/// all four of a socket belong to one thread. No call here issues a syscall.
/// The structs are libxdp's, which keeps pointers to them: rings do not move.
namespace detail {

template <typename Ring>
class PinnedRing {
 public:
  PinnedRing() = default;
  ~PinnedRing() = default;
  PinnedRing(const PinnedRing&) = delete;
  PinnedRing& operator=(const PinnedRing&) = delete;

  /// For libxdp to set up, and for tests to put onto plain memory.
  [[nodiscard]] Ring* raw() noexcept { return &ring_; }

 protected:
  Ring ring_{};
};

/// What user space produces: fill and TX.
class ProducerRing : public PinnedRing<xsk_ring_prod> {
 public:
  /// Slots that can be filled now; looks at the kernel's index only when the
  /// cached count is below `wanted`.
  [[nodiscard]] std::uint32_t free(std::uint32_t wanted) noexcept {
    return xsk_prod_nb_free(&ring_, wanted);
  }
  /// The kernel sleeps on this ring and must be woken by a syscall.
  [[nodiscard]] bool needs_wakeup() const noexcept {
    return (__atomic_load_n(ring_.flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP) != 0;
  }
  /// Entries that the kernel has not consumed yet.
  [[nodiscard]] std::uint32_t pending() const noexcept {
    return ring_.cached_prod - __atomic_load_n(ring_.consumer, __ATOMIC_ACQUIRE);
  }
};

/// What the kernel produces: RX and completion.
class ConsumerRing : public PinnedRing<xsk_ring_cons> {};

}  // namespace detail

/// Free frames on their way to the kernel. Entries: frame addresses.
class FillRing : public detail::ProducerRing {
 public:
  /// Needs addresses.size() <= free(addresses.size()).
  void push(std::span<const std::uint64_t> addresses) noexcept {
    const auto count = static_cast<std::uint32_t>(addresses.size());
    std::uint32_t slot = 0;
    if (xsk_ring_prod__reserve(&ring_, count, &slot) != count) return;
    for (const std::uint64_t address : addresses) {
      __u64& entry = *xsk_ring_prod__fill_addr(&ring_, slot++);
      // Frames that go round in a fixed order come back to the slots they had. Left
      // unwritten, these cache lines stay with the CPU that reads them.
      if (entry != address) entry = address;
    }
    xsk_ring_prod__submit(&ring_, count);
  }
};

/// Frames to send. Entries: descriptors.
class TxRing : public detail::ProducerRing {
 public:
  /// Needs descriptors.size() <= free(descriptors.size()).
  void push(std::span<const xdp_desc> descriptors) noexcept {
    const auto count = static_cast<std::uint32_t>(descriptors.size());
    std::uint32_t slot = 0;
    if (xsk_ring_prod__reserve(&ring_, count, &slot) != count) return;
    for (const xdp_desc& descriptor : descriptors) {
      *xsk_ring_prod__tx_desc(&ring_, slot++) = descriptor;
    }
    xsk_ring_prod__submit(&ring_, count);
  }
};

/// Received frames. Entries: descriptors.
class RxRing : public detail::ConsumerRing {
 public:
  /// Entries that pop() would find now.
  [[nodiscard]] std::uint32_t waiting() const noexcept {
    return __atomic_load_n(ring_.producer, __ATOMIC_ACQUIRE) - ring_.cached_cons;
  }

  /// Moves up to descriptors.size() entries out and gives their slots back to
  /// the kernel. Returns how many.
  [[nodiscard]] std::uint32_t pop(std::span<xdp_desc> descriptors) noexcept {
    std::uint32_t slot = 0;
    const std::uint32_t count =
        xsk_ring_cons__peek(&ring_, static_cast<std::uint32_t>(descriptors.size()), &slot);
    for (std::uint32_t i = 0; i < count; ++i) {
      descriptors[i] = *xsk_ring_cons__rx_desc(&ring_, slot + i);
    }
    if (count > 0) xsk_ring_cons__release(&ring_, count);
    return count;
  }
};

/// Frames that have been sent. Entries: frame addresses.
class CompletionRing : public detail::ConsumerRing {
 public:
  /// As RxRing::pop.
  [[nodiscard]] std::uint32_t pop(std::span<std::uint64_t> addresses) noexcept {
    std::uint32_t slot = 0;
    const std::uint32_t count =
        xsk_ring_cons__peek(&ring_, static_cast<std::uint32_t>(addresses.size()), &slot);
    for (std::uint32_t i = 0; i < count; ++i) {
      addresses[i] = *xsk_ring_cons__comp_addr(&ring_, slot + i);
    }
    if (count > 0) xsk_ring_cons__release(&ring_, count);
    return count;
  }
};

}  // namespace afxfw
