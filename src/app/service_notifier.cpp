#include "app/service_notifier.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "util/number_text.h"

namespace afxfw {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

/// Between two updates of what `systemctl status` shows.
constexpr std::chrono::seconds kStatusInterval{10};

/// Signs of life in the time after which the manager would act: one that comes
/// late, or is left out once, must not be the end.
constexpr int kSignsOfLife = 4;

bool has_manager() { return std::getenv("NOTIFY_SOCKET") != nullptr; }

/// Not told to anyone if it fails: a manager that does not listen has gone.
void notify(const std::string& state) { (void)sd_notify(0, state.c_str()); }

template <typename Function>
void call_after(boost::asio::steady_timer& timer, steady_clock::duration delay, Function function) {
  timer.expires_after(delay);
  timer.async_wait([function](const boost::system::error_code& error) {
    if (!error) function();
  });
}

}  // namespace

void notify_reloading() {
  // CLOCK_MONOTONIC, which steady_clock reads: tells which reload this is.
  const auto now = std::chrono::duration_cast<microseconds>(steady_clock::now().time_since_epoch());
  notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.count()));
}

void notify_reloaded() { notify("READY=1"); }

void notify_stopping() { notify("STOPPING=1\nSTATUS=detaching"); }

ServiceNotifier::ServiceNotifier(boost::asio::io_context& context, const Engine& engine)
    : engine_(engine), status_timer_(context), watchdog_timer_(context) {
  if (!has_manager()) return;
  before_ = engine.snapshot();
  notify(fmt::format("READY=1\nSTATUS=filtering {}", before_.interface));
  std::uint64_t timeout_us = 0;
  if (sd_watchdog_enabled(0, &timeout_us) > 0) {
    watchdog_interval_ = microseconds(timeout_us / kSignsOfLife);
    feed_watchdog();
  }
  call_after(status_timer_, kStatusInterval, [this] { show_status(); });
}

void ServiceNotifier::show_status() {
  notify("STATUS=" + status());
  call_after(status_timer_, kStatusInterval, [this] { show_status(); });
}

std::string ServiceNotifier::status() {
  const Snapshot now = engine_.snapshot();
  const double seconds = std::max(now.uptime_s - before_.uptime_s, 1e-3);
  const WorkerCounters later = total(now).counters;
  const WorkerCounters earlier = total(std::exchange(before_, now)).counters;
  const auto rate = [seconds](std::uint64_t after, std::uint64_t before) {
    return scaled(static_cast<double>(after - before) / seconds);
  };
  return fmt::format(
      "filtering {}: workers receive {}/s, accept {}/s, drop {}/s; rules generation {}",
      now.interface, rate(later.received, earlier.received), rate(later.accepted, earlier.accepted),
      rate(later.dropped, earlier.dropped), now.ruleset_generation);
}

void ServiceNotifier::feed_watchdog() {
  if (engine_.stalled_queues().empty()) notify("WATCHDOG=1");
  call_after(watchdog_timer_, watchdog_interval_, [this] { feed_watchdog(); });
}

}  // namespace afxfw
