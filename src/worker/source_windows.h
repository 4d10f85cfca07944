#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "pipeline/source_sampler.h"
#include "pipeline/space_saving.h"
#include "util/cache_line.h"

namespace afxfw {

/// A worker's sketches of whose packets it dropped: one that it counts in, and the one before,
/// which another thread reads meanwhile. That thread says when a new one begins, so that the
/// worker needs no clock, and until then the old one is the reader's alone: nobody waits, and no
/// counter is shared. Some 30 kB.
class SourceWindows {
 public:
  /// Counters of a sketch: 12 kB, of which a flood from one source touches three lines. A
  /// source that sends more than 0.4 % of what is dropped is certainly found.
  static constexpr std::size_t kCounters = 256;

  SourceWindows();

  // The worker.

  /// A batch, and what was decided about it.
  void count(std::span<const PacketView> packets, std::span<const Verdict> verdicts) noexcept {
    begin_window_if_asked();
    sampler_.count(packets, verdicts, sketches_[begun_ % 2]);
  }
  /// To be called now and then when there is nothing to count, too.
  void begin_window_if_asked() noexcept {
    // Acquire: what the reader did with the old sketch is over.
    if (asked_.load(std::memory_order_acquire) != begun_) [[unlikely]]
      begin_window();
  }

  // The reader: one thread at a time.

  /// Asks for a new window; the one that is counted in ends then. Not before the last one that
  /// was asked for has begun.
  void ask() noexcept;
  /// The window that ended when the one that was asked for last began; nullptr until then, and
  /// before the first ask(). Valid until the next.
  [[nodiscard]] const SpaceSaving* finished() const noexcept;

 private:
  void begin_window() noexcept;

  std::array<SpaceSaving, 2> sketches_;
  SourceSampler sampler_;
  std::uint32_t begun_ = 0;  // the worker's; of sketches_, the one with this remainder is filled
  alignas(kCacheLine) std::atomic<std::uint32_t> asked_{0};      // windows; written by the reader
  alignas(kCacheLine) std::atomic<std::uint32_t> published_{0};  // begun_ for the reader
};

}  // namespace afxfw
