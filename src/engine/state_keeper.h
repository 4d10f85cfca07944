#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "rules/run_time_changes.h"
#include "util/background_task.h"

namespace afxfw {

/// Writes what was changed at run time to the file of --persist, on a thread of its
/// own, and reads it again. Without a path, it keeps nothing. For one thread.
class StateKeeper {
 public:
  /// failure: why the file could not be written, or "".
  using Saved = std::function<void(const std::string& failure)>;

  /// interface: for messages.
  StateKeeper(std::string path, std::string interface);
  ~StateKeeper();
  StateKeeper(const StateKeeper&) = delete;
  StateKeeper& operator=(const StateKeeper&) = delete;

  /// What was saved last, without what is over by now. Throws Error (kUsage) if the
  /// file is there and cannot be read.
  [[nodiscard]] RunTimeChanges load(std::uint64_t now_ms) const;

  /// saved: called when the file holds these changes or newer ones, and will after a
  /// crash too.
  void save(const RunTimeChanges& changes, std::uint64_t now_ms, Saved saved);

  /// Readable when finish() has something to do.
  [[nodiscard]] int fd() const noexcept { return task_.fd(); }
  void finish();

 private:
  /// What the thread works on, with those who wait for it.
  struct Work;

  void start();

  std::string path_;
  std::string interface_;
  std::unique_ptr<Work> writing_;
  std::unique_ptr<Work> next_;  // to be written when that is done; later ones replace it
  BackgroundTask task_;
};

}  // namespace afxfw
