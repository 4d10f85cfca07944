/// bare-afxdp: what afxfw is measured against; see --help.

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <memory>

#include "options.h"
#include "util/error.h"
#include "util/json.h"
#include "work.h"
#include "xsk/bpf_log.h"

namespace afxfw::bench {

namespace {

using std::chrono::steady_clock;

steady_clock::duration seconds(double value) {
  return std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(value));
}

void print(const Options& options, const Work& work, steady_clock::time_point started) {
  const std::chrono::duration<double> uptime = steady_clock::now() - started;
  Json line = {
      {"mode", options.mode_name}, {"interface", options.interface}, {"uptime_s", uptime.count()}};
  line.update(work.report());
  std::cout << json_text(line) << std::endl;
}

/// Prints now and then until one of `signals` comes or the time is over.
void report_until_stopped(const Options& options, const Work& work, const sigset_t& signals) {
  constexpr auto kNever = steady_clock::time_point::max();
  constexpr steady_clock::duration kLongestWait = std::chrono::hours(1);
  const auto started = steady_clock::now();
  const auto interval = seconds(options.stats_interval_s);
  const auto end = options.duration_s > 0 ? started + seconds(options.duration_s) : kNever;
  auto next = options.stats_interval_s > 0 ? started + interval : kNever;
  for (;;) {
    const auto wait = std::clamp(std::min(next, end) - steady_clock::now(),
                                 steady_clock::duration::zero(), kLongestWait);
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(wait);
    const timespec timeout{whole.count(), std::chrono::nanoseconds(wait - whole).count()};
    if (sigtimedwait(&signals, nullptr, &timeout) > 0 || steady_clock::now() >= end) break;
    if (steady_clock::now() < next) continue;
    print(options, work, started);
    // On the grid, so that intervals do not drift; late ones are left out.
    while (next <= steady_clock::now()) next += interval;
  }
  print(options, work, started);
}

void run(const Options& options) {
  // Blocked before the first thread starts, which inherits it.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  capture_bpf_library_output();

  const std::unique_ptr<Work> work = start_work(options);
  std::cerr << "bare-afxdp: ready" << std::endl;
  report_until_stopped(options, *work, signals);
}

ExitCode run_program(int argc, const char* const* argv) {
  try {
    if (const auto options = parse_options(argc, argv)) {
      run(*options);
    } else {
      std::cout << help_text();
    }
    return ExitCode::kOk;
  } catch (const Error& error) {
    std::cerr << "bare-afxdp: " << error.what() << '\n';
    return error.code();
  } catch (const std::exception& error) {
    std::cerr << "bare-afxdp: " << error.what() << '\n';
    return ExitCode::kRuntime;
  }
}

}  // namespace

}  // namespace afxfw::bench

int main(int argc, char** argv) { return static_cast<int>(afxfw::bench::run_program(argc, argv)); }
