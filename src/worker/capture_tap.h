#pragma once

#include <boost/lockfree/spsc_queue.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "rules/verdict.h"
#include "util/cache_line.h"
#include "util/counter.h"

namespace afxfw {

/// Which packets a capture takes: a bit for each DropReason; that of kNone stands for
/// accepted packets.
using VerdictMask = std::uint32_t;

inline constexpr VerdictMask kCaptureAccepted = 1;
inline constexpr VerdictMask kCaptureAll = (1U << kDropReasonCount) - 1;
inline constexpr VerdictMask kCaptureDropped = kCaptureAll & ~kCaptureAccepted;

/// Frames a second that one worker copies at most. A copy takes it some 10 ns for a
/// frame of 60 bytes, and 110 ns for one of 1514, whose rest is in no cache so far (on a
/// virtual machine at about 3 GHz): 1.1 % of its time. Those that are left out are
/// counted by the batch.
inline constexpr std::uint64_t kCaptureRate = 100'000;

/// Frames above that rate in a row: those of 20 ms.
inline constexpr std::uint64_t kCaptureBurst = 2'000;

/// What stands in front of each frame on its way from a worker.
struct CapturedFrame {
  std::uint64_t time_ns = 0;         ///< since 1970, UTC; one for all frames of a batch
  std::uint32_t length_bytes = 0;    ///< as received
  std::uint32_t captured_bytes = 0;  ///< that follow
  std::uint32_t rule_handle = 0;     ///< of the rule that decided; 0: none did
  std::uint16_t queue_id = 0;
  DropReason reason = DropReason::kNone;  ///< kNone: accepted
};

/// What became of packets that a capture wants, by DropReason.
/// seen = copied + over_rate + no_room.
struct CaptureCounts {
  using ByReason = std::array<std::uint64_t, kDropReasonCount>;
  ByReason seen{};
  ByReason over_rate{};  ///< not copied: more than kCaptureRate
  ByReason no_room{};    ///< not copied: who takes them is too slow

  CaptureCounts& operator+=(const CaptureCounts& other) noexcept;
};

/// One worker's part of a running capture: copies frames into a bounded queue, and
/// counts those that it does not copy. The worker neither waits nor allocates.
class CaptureTap {
 public:
  struct Options {
    VerdictMask verdicts = kCaptureAll;
    std::uint32_t snap_length = 0;  ///< bytes of a frame that are copied at most
    std::uint16_t queue_id = 0;
  };
  /// Packets of a batch, by reason.
  using BatchCounts = std::array<std::uint32_t, kDropReasonCount>;
  using Sink = std::function<void(const CapturedFrame& frame, std::span<const char> bytes)>;

  /// Bytes of the queue: what kCaptureRate of full frames brings in 7 ms, and of small
  /// ones in 100 ms. Its reader comes every 10 ms or so.
  static constexpr std::size_t kQueueBytes = std::size_t{1} << 20U;

  explicit CaptureTap(const Options& options);

  // The worker's.

  /// A batch begins, with so many packets by reason. now_ns: since 1970; the clock may
  /// jump. Returns how many of those that it wants are to be taken: the first ones.
  [[nodiscard]] std::uint32_t begin(std::uint64_t now_ns, const BatchCounts& packets) noexcept;
  [[nodiscard]] bool wants(DropReason reason) const noexcept {
    return (options_.verdicts >> static_cast<unsigned>(reason) & 1U) != 0;
  }
  void take(DropReason reason, std::uint32_t rule_handle,
            std::span<const std::byte> frame) noexcept;
  /// The batch ends: what was not taken is counted.
  void end() noexcept;

  // The reader's, one thread.

  /// Hands over the frames that are there, kQueueBytes of them at most.
  void read(const Sink& sink);

  // Any thread.

  [[nodiscard]] CaptureCounts counts() const noexcept;
  /// Asks the worker to let go of it.
  void close() noexcept { closing_.store(true, std::memory_order_relaxed); }
  /// relaxed: tells when to let go, and carries no data.
  [[nodiscard]] bool closing() const noexcept { return closing_.load(std::memory_order_relaxed); }

 private:
  using CountersByReason = std::array<Counter, kDropReasonCount>;

  const Options options_;
  std::atomic<bool> closing_{false};

  // Written by the worker alone.
  alignas(kCacheLine) std::uint64_t now_ns_ = 0;
  std::uint64_t allowance_ns_;  // time saved up, at a packet's share of a second each
  BatchCounts untaken_{};       // of this batch
  CountersByReason seen_;
  CountersByReason over_rate_;
  CountersByReason no_room_;

  alignas(kCacheLine) boost::lockfree::spsc_queue<char> queue_;
  std::string unread_;  // the reader's: the beginning of a frame whose rest is on its way
};

/// Where a capture's tap is put into a worker, and out again. The worker alone takes it
/// out, when it is asked to and does not use it: after that it may be freed.
class CapturePoint {
 public:
  /// tap: stays until attached() is false. Nothing may be attached yet.
  void attach(CaptureTap& tap) noexcept {
    // release: pairs with acquire().
    tap_.store(&tap, std::memory_order_release);
  }

  /// False: the worker has let go, and what it wrote is visible. Any thread.
  [[nodiscard]] bool attached() const noexcept {
    // acquire: pairs with let_go().
    return tap_.load(std::memory_order_acquire) != nullptr;
  }

  // The worker's.

  /// The tap to use for this batch, if there is one. Call it also now and then when there
  /// are no packets, so that it lets go of a tap that is to be closed.
  [[nodiscard]] CaptureTap* acquire() noexcept {
    // acquire: pairs with attach(), so that the tap's contents are visible.
    CaptureTap* const tap = tap_.load(std::memory_order_acquire);
    if (tap == nullptr || !tap->closing()) [[likely]]
      return tap;
    let_go();
    return nullptr;
  }

  /// The worker ends, or was told to.
  void let_go() noexcept {
    // release: all use of the tap has happened before whoever sees this frees it.
    tap_.store(nullptr, std::memory_order_release);
  }

 private:
  std::atomic<CaptureTap*> tap_{nullptr};
};

}  // namespace afxfw
