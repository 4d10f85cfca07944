#pragma once

#include <atomic>
#include <cstdint>

namespace afxfw {

/// A counter with one writer and any number of readers. Adding compiles to a
/// plain load, add and store.
class Counter {
 public:
  void add(std::uint64_t count) noexcept { set(value_.load(std::memory_order_relaxed) + count); }
  /// Release, so that a reader who sees this value also sees the odd sequence
  /// number stored before it (VersionedWrite). Free on x86-64.
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_release); }
  /// Acquire, so that the reader's second look at the sequence number cannot
  /// move ahead of it.
  [[nodiscard]] std::uint64_t get() const noexcept {
    return value_.load(std::memory_order_acquire);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace afxfw
