#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "pktgen/options.h"
#include "pktgen/schedule.h"

namespace afxfw::pktgen {

/// A capture file's Ethernet frames and times, in memory. Immutable once read.
class Capture {
 public:
  /// time: since the first frame's; one earlier than the frame's before is taken
  /// for as late as that.
  void add(std::span<const std::byte> frame, std::chrono::nanoseconds time);

  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] std::span<const std::byte> frame(std::size_t number) const noexcept;
  [[nodiscard]] std::chrono::nanoseconds time(std::size_t number) const noexcept {
    return records_[number].time;
  }
  [[nodiscard]] std::uint32_t largest_bytes() const noexcept { return largest_bytes_; }

 private:
  struct Record {
    std::size_t offset = 0;  ///< into bytes_
    std::uint32_t length = 0;
    std::chrono::nanoseconds time{};
  };

  std::vector<std::byte> bytes_;
  std::vector<Record> records_;
  std::uint32_t largest_bytes_ = 0;
};

/// Reads a file, with the MAC addresses that the options have. Throws Error
/// (kUsage) that names the file and the packet for what cannot be sent: no
/// Ethernet, cut off, too short, none at all.
[[nodiscard]] Capture read_capture(const CaptureOptions& options);

/// A capture's own times, at `speed` times their pace; over and over. From the last
/// frame to the first of the next time it is as long as between two on average.
class CaptureSchedule final : public Schedule {
 public:
  /// speed: more than 0.
  CaptureSchedule(Clock::time_point start, const Capture& capture, double speed);

  [[nodiscard]] std::uint64_t due(Clock::time_point now) const noexcept override;
  [[nodiscard]] Clock::time_point when(std::uint64_t frame) const noexcept override;
  [[nodiscard]] Clock::time_point next_burst(std::uint64_t sent) const noexcept override {
    return when(sent);
  }

 private:
  Clock::time_point start_;
  std::vector<std::chrono::nanoseconds> times_;  ///< ascending, from 0
  std::chrono::nanoseconds period_{};            ///< of one time through the file; more than 0
};

}  // namespace afxfw::pktgen
