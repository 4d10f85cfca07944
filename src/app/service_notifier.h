#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <string>

#include "engine/engine.h"

namespace afxfw {

/// Tells the service manager that a reload begins, as Type=notify-reload wants
/// it (systemd.service(5)); notify_reloaded() must follow. These functions do
/// nothing unless a manager listens (NOTIFY_SOCKET).
void notify_reloading();
/// The reload has ended, however it did.
void notify_reloaded();
void notify_stopping();

/// Keeps a service manager informed about a running engine, if afxfw was started
/// by one: ready, what `systemctl status` shows, and the watchdog. That gets its
/// sign of life from a timer of the event loop, so that the loop must be alive,
/// and only while every worker makes progress. To be made once the engine
/// filters; goes before the context does.
class ServiceNotifier {
 public:
  ServiceNotifier(boost::asio::io_context& context, const Engine& engine);

 private:
  void show_status();
  void feed_watchdog();
  [[nodiscard]] std::string status();

  const Engine& engine_;
  Snapshot before_;  // what the status showed last
  std::chrono::microseconds watchdog_interval_{0};
  boost::asio::steady_timer status_timer_;
  boost::asio::steady_timer watchdog_timer_;
};

}  // namespace afxfw
