#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "worker/capture_tap.h"

namespace afxfw {

/// A capture of the packets that workers judge: a tap in each worker, from the
/// constructor until it is over. The taps' memory, CaptureTap::kQueueBytes for each
/// worker, is there for as long as this is.
class PacketCapture {
 public:
  struct Options {
    VerdictMask verdicts = kCaptureAll;
    std::uint32_t snap_length = 0;  ///< bytes of a frame
  };

  /// A worker to capture from.
  struct Source {
    CapturePoint* point = nullptr;
    std::uint16_t queue_id = 0;
    std::function<void()> wake;  ///< makes the worker look around; any thread
  };

  /// Begins. The sources outlive this; nothing may be attached to them.
  PacketCapture(std::vector<Source> sources, const Options& options);
  /// Only when it is over(): workers write into it until then.
  ~PacketCapture() = default;
  PacketCapture(const PacketCapture&) = delete;
  PacketCapture& operator=(const PacketCapture&) = delete;

  // Any thread.

  /// Asks the workers to end it, which takes each of them a batch, or the time to wake up.
  void close() noexcept;
  /// Every worker has let go: because of close(), or because it has ended.
  [[nodiscard]] bool over() const noexcept;
  [[nodiscard]] CaptureCounts counts() const noexcept;
  [[nodiscard]] const Options& options() const noexcept { return options_; }

  // The reader's, one thread.

  [[nodiscard]] std::size_t taps() const noexcept { return taps_.size(); }
  /// See CaptureTap::read().
  void read(std::size_t tap, const CaptureTap::Sink& sink) { taps_[tap]->read(sink); }

 private:
  const Options options_;
  std::vector<Source> sources_;
  std::vector<std::unique_ptr<CaptureTap>> taps_;  // by source
};

}  // namespace afxfw
