#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

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

/// Calls a function on the loop whenever a descriptor, which it does not own, is
/// readable. To be destroyed after the loop has ended.
class ReadableWatch {
 public:
  ReadableWatch(boost::asio::io_context& context, int fd, std::function<void()> on_readable);
  ~ReadableWatch() { descriptor_.release(); }
  ReadableWatch(const ReadableWatch&) = delete;
  ReadableWatch& operator=(const ReadableWatch&) = delete;

 private:
  void wait();

  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void()> on_readable_;
};

/// Drives a running engine on the thread that owns it: signals, link changes,
/// statistics, housekeeping. Servers are attached to its context: they are made
/// after the loop, before run(), and everything they do is on this thread too, so
/// that they may call the engine.
class EventLoop {
 public:
  /// engine, options and signals must outlive the loop.
  EventLoop(Engine& engine, const AppOptions& options, const SignalSource& signals);

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }

  /// Returns after a signal, stop(), the end of --duration or the end of the
  /// interface; prints statistics on the way and, once the engine has stopped, the
  /// summary.
  [[nodiscard]] ExitCode run();

  /// Makes run() return. For the loop's thread.
  void stop(ExitCode result = ExitCode::kOk);

 private:
  using Clock = std::chrono::steady_clock;

  void handle_signals();
  void reload();
  void follow_link();
  void housekeep_at(Clock::time_point when);
  void print_statistics_at(Clock::time_point when);
  void end_at(Clock::time_point when);

  Engine& engine_;
  const AppOptions& options_;
  const SignalSource& signals_;
  ExitCode result_ = ExitCode::kOk;
  Snapshot before_;  // what was printed last
  bool reloading_ = false;
  bool reload_again_ = false;
  // What waits goes before the context that it waits on.
  boost::asio::io_context context_{1};
  ReadableWatch signal_watch_;
  ReadableWatch link_watch_;
  std::vector<std::unique_ptr<ReadableWatch>> background_watches_;
  boost::asio::steady_timer housekeeping_{context_};
  boost::asio::steady_timer statistics_{context_};
  boost::asio::steady_timer end_{context_};
};

}  // namespace afxfw
