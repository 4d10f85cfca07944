#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace afxfw {

/// A sequence lock around a group of Counters: the writer never waits, readers
/// try again when a write was in progress (H.-J. Boehm, "Can seqlocks get along
/// with programming language memory models?", MSPC 2012).
class Version {
 public:
  /// Marks the group as being written for its lifetime. One writer.
  class Write {
   public:
    explicit Write(Version& version) noexcept : version_(version) {
      // Relaxed: ordered before the counters by their release stores.
      version_.sequence_.store(sequence() + 1, std::memory_order_relaxed);
    }
    /// Release: everything written before is visible with the even number.
    ~Write() { version_.sequence_.store(sequence() + 1, std::memory_order_release); }
    Write(const Write&) = delete;
    Write& operator=(const Write&) = delete;

   private:
    [[nodiscard]] std::uint64_t sequence() const noexcept {
      return version_.sequence_.load(std::memory_order_relaxed);
    }
    Version& version_;
  };

  /// Runs `read` until it saw no write in progress. Gives up after some 100 ms,
  /// since a writer that was descheduled in the middle must not hold up
  /// statistics for ever; returns whether the last read was consistent.
  template <typename Read>
  bool read_consistently(Read&& read) const {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const std::uint64_t before = sequence_.load(std::memory_order_acquire);
      read();
      // Relaxed: the acquire loads of the counters keep it behind them.
      if ((before & 1) == 0 && sequence_.load(std::memory_order_relaxed) == before) return true;
      if (attempt >= kSpins) std::this_thread::sleep_for(kPause);
    }
    return false;
  }

 private:
  /// A write takes less than a microsecond: spinning suffices unless the
  /// writer lost its CPU, perhaps to this very thread.
  static constexpr int kSpins = 1000;
  static constexpr std::chrono::microseconds kPause{100};
  static constexpr int kAttempts = kSpins + 1000;
  std::atomic<std::uint64_t> sequence_{0};
};

}  // namespace afxfw
