#include "app/event_loop.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "app/service_notifier.h"
#include "control/stats_json.h"
#include "control/stats_table.h"
#include "util/log.h"

namespace afxfw {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kHousekeepingInterval{1000};
/// Of what is due already: work in the background may have to end first.
constexpr milliseconds kLeastInterval{20};

steady_clock::duration seconds(double value) {
  return duration_cast<steady_clock::duration>(std::chrono::duration<double>(value));
}

/// Output that cannot be written (a full disk, a closed pipe) must not end the
/// firewall, so failures are ignored.
void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

/// Calls a function at a point of time, unless the timer is set anew or destroyed
/// before.
template <typename Function>
void call_at(boost::asio::steady_timer& timer, steady_clock::time_point when, Function function) {
  timer.expires_at(when);
  timer.async_wait([function](const boost::system::error_code& error) {
    if (!error) function();
  });
}

}  // namespace

SignalSource::SignalSource() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A reader of our output that goes away is no reason to stop.
  ::signal(SIGPIPE, SIG_IGN);
  fd_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) throw errno_error("cannot create a signalfd", errno);
}

int SignalSource::next() const noexcept {
  signalfd_siginfo info{};
  return read(fd_.get(), &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo)
                                                              : 0;
}

ReadableWatch::ReadableWatch(boost::asio::io_context& context, int fd,
                             std::function<void()> on_readable)
    : descriptor_(context, fd), on_readable_(std::move(on_readable)) {
  wait();
}

void ReadableWatch::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error) return;
                           on_readable_();
                           wait();
                         });
}

EventLoop::EventLoop(Engine& engine, const AppOptions& options, const SignalSource& signals)
    : engine_(engine),
      options_(options),
      signals_(signals),
      before_(engine.snapshot()),
      signal_watch_(context_, signals.fd(), [this] { handle_signals(); }),
      link_watch_(context_, engine.link_event_fd(), [this] { follow_link(); }) {
  for (const int fd : engine.background_fds()) {
    background_watches_.push_back(
        std::make_unique<ReadableWatch>(context_, fd, [this] { engine_.finish_background(); }));
  }
  const auto now = Clock::now();
  housekeep_at(now + kHousekeepingInterval);
  if (options.stats_interval_s > 0) print_statistics_at(now + seconds(options.stats_interval_s));
  if (options.duration_s > 0) end_at(now + seconds(options.duration_s));
}

ExitCode EventLoop::run() {
  context_.run();
  notify_stopping();
  engine_.stop();
  const Snapshot last = engine_.snapshot();
  print(options_.json ? to_json(last) + "\n" : summary_table(last));
  return result_;
}

void EventLoop::stop(ExitCode result) {
  result_ = result;
  context_.stop();
}

void EventLoop::handle_signals() {
  for (int signal = signals_.next(); signal != 0; signal = signals_.next()) {
    if (signal == SIGHUP) {
      reload();
    } else {
      stop();
    }
  }
}

void EventLoop::reload() {
  if (reloading_) {
    // The files may have changed since those that are being read were opened.
    reload_again_ = true;
    return;
  }
  reloading_ = true;
  notify_reloading();
  engine_.rules().reload({.rules = {}, .confirm_s = {}, .by = "SIGHUP"},
                         [this](const auto& outcome) {
                           reloading_ = false;
                           notify_reloaded();
                           if (!outcome && outcome.error().kind == ChangeError::Kind::kBusy) {
                             log_warn("SIGHUP changes nothing: {}", outcome.error().message);
                           }
                           if (std::exchange(reload_again_, false)) reload();
                         });
}

void EventLoop::follow_link() {
  if (!engine_.follow_link()) stop(ExitCode::kRuntime);
}

void EventLoop::housekeep_at(Clock::time_point when) {
  call_at(housekeeping_, when, [this] {
    engine_.housekeep();
    const auto now = Clock::now();
    const auto usual = now + kHousekeepingInterval;
    const auto due = std::min(engine_.next_deadline().value_or(usual), usual);
    housekeep_at(std::max(due, now + kLeastInterval));
  });
}

void EventLoop::print_statistics_at(Clock::time_point when) {
  call_at(statistics_, when, [this, when] {
    Snapshot current = engine_.snapshot();
    print(options_.json ? to_json(current) + "\n" : interval_table(before_, current));
    before_ = std::move(current);
    // On the grid, so that intervals do not drift; late ones are left out.
    const auto interval = seconds(options_.stats_interval_s);
    auto next = when + interval;
    while (next <= Clock::now()) next += interval;
    print_statistics_at(next);
  });
}

void EventLoop::end_at(Clock::time_point when) {
  call_at(end_, when, [this] { stop(); });
}

}  // namespace afxfw
