#pragma once

#include "app/options.h"
#include "engine/engine.h"
#include "util/error.h"
#include "util/fd.h"

namespace afxfw {

/// SIGINT, SIGTERM and SIGHUP as something to poll. Blocks them for the calling
/// thread and for those it starts later: make it before the engine.
class SignalSource {
 public:
  SignalSource();
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// The next signal, 0 if none is waiting.
  [[nodiscard]] int next() const noexcept;

 private:
  Fd fd_;
};

/// Drives a running engine until a signal, the end of --duration or the end of
/// the interface; prints statistics on the way and the summary at the end.
[[nodiscard]] ExitCode run_until_stopped(Engine& engine, const AppOptions& options,
                                         const SignalSource& signals);

}  // namespace afxfw
