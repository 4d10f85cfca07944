#include "app/event_loop.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "control/stats_json.h"
#include "control/stats_table.h"
#include "util/log.h"

namespace afxfw {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kHousekeepingInterval{1000};

steady_clock::duration seconds(double value) {
  return duration_cast<steady_clock::duration>(std::chrono::duration<double>(value));
}

/// Output that cannot be written (a full disk, a closed pipe) must not end the
/// firewall, so failures are ignored.
void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void reload(Engine& engine) {
  try {
    engine.reload();
    log_info("lists read again, rules generation {}", engine.snapshot().ruleset_generation);
  } catch (const Error& error) {
    log_error("reload failed, the rules in force stay:\n{}", error.what());
  }
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

ExitCode run_until_stopped(Engine& engine, const AppOptions& options, const SignalSource& signals) {
  const auto start = steady_clock::now();
  const bool periodic = options.stats_interval_s > 0;
  const auto interval = seconds(options.stats_interval_s);
  const auto end = options.duration_s > 0 ? start + seconds(options.duration_s)
                                          : steady_clock::time_point::max();
  auto next_stats = periodic ? start + interval : steady_clock::time_point::max();
  auto next_housekeeping = start + kHousekeepingInterval;
  Snapshot before = engine.snapshot();
  ExitCode result = ExitCode::kOk;

  for (bool running = true; running;) {
    const auto wake = std::min({next_stats, next_housekeeping, end});
    const auto wait = std::chrono::ceil<milliseconds>(wake - steady_clock::now());
    std::array<pollfd, 2> events{{{signals.fd(), POLLIN, 0}, {engine.link_event_fd(), POLLIN, 0}}};
    poll(events.data(), events.size(), static_cast<int>(std::max(wait, milliseconds(0)).count()));

    for (int signal = signals.next(); signal != 0; signal = signals.next()) {
      if (signal == SIGHUP) {
        reload(engine);
      } else {
        running = false;
      }
    }
    if (events[1].revents != 0 && !engine.follow_link()) {
      result = ExitCode::kRuntime;
      running = false;
    }
    const auto now = steady_clock::now();
    if (now >= end) running = false;
    if (now >= next_housekeeping) {
      engine.housekeep();
      next_housekeeping = now + kHousekeepingInterval;
    }
    if (running && now >= next_stats) {
      Snapshot current = engine.snapshot();
      print(options.json ? to_json(current) + "\n" : interval_table(before, current));
      before = std::move(current);
      // On the grid, so that intervals do not drift; late ones are left out.
      while (next_stats <= now) next_stats += interval;
    }
  }
  engine.stop();
  const Snapshot last = engine.snapshot();
  print(options.json ? to_json(last) + "\n" : summary_table(last));
  return result;
}

}  // namespace afxfw
