#pragma once

#include <functional>
#include <thread>

#include "util/fd.h"

namespace afxfw {

/// Does one piece of work after another on a thread of its own, at a lower priority
/// than packets have. For one thread, which polls fd().
class BackgroundTask {
 public:
  /// name: of the thread, up to 15 bytes; static storage. Throws Error.
  explicit BackgroundTask(const char* name);
  /// Waits for the work to end.
  ~BackgroundTask();
  BackgroundTask(const BackgroundTask&) = delete;
  BackgroundTask& operator=(const BackgroundTask&) = delete;

  /// Readable once the work has ended; call finish() then.
  [[nodiscard]] int fd() const noexcept { return ended_.get(); }
  [[nodiscard]] bool running() const noexcept { return thread_.joinable(); }

  /// Not while running(). work must not throw.
  void start(std::function<void()> work);
  /// Whether the work has ended; then all that it did is visible to the caller. Does
  /// not wait.
  [[nodiscard]] bool finish();

 private:
  const char* name_;
  Fd ended_;
  std::thread thread_;
};

}  // namespace afxfw
