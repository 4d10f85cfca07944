#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace afxfw {

/// Finds workers that hang, by numbers of theirs that grow as long as they run.
class StallWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Without progress for so long, a worker is taken for stalled. It grows every
  /// 100 ms; the rest is for a machine that is busy.
  static constexpr std::chrono::seconds kLimit{3};

  explicit StallWatch(std::size_t workers) : workers_(workers) {}

  /// progress: one number a worker, in the same order each time. Returns the
  /// workers that have stalled since the last call, by position.
  std::vector<std::uint32_t> update(const std::vector<std::uint64_t>& progress, TimePoint now);

  /// All that are stalled as of the last update(), by position, which is the queue.
  [[nodiscard]] const std::vector<std::uint32_t>& stalled() const noexcept { return stalled_; }

 private:
  struct Each {
    std::uint64_t progress = 0;
    TimePoint since{};  ///< when it had changed last; the epoch: not looked at yet
    bool stalled = false;
  };

  std::vector<Each> workers_;
  std::vector<std::uint32_t> stalled_;
};

}  // namespace afxfw
