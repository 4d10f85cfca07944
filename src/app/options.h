#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <iosfwd>
#include <optional>
#include <string>

#include "app/log_output.h"
#include "engine/options.h"

namespace afxfw {

/// afxfw's command line and config file, checked as far as they can be without
/// a look at the machine.
struct AppOptions {
  enum class Command { kRun, kDryRun, kCheck, kDetach, kHelp, kVersion };

  Command command = Command::kRun;
  EngineOptions engine;
  double stats_interval_s = 1;  ///< 0: none
  bool json = false;
  double duration_s = 0;  ///< 0: until a signal
  LogOptions log;
  std::optional<boost::asio::ip::tcp::endpoint> metrics;  ///< where to serve them
  /// Of the control socket; nothing: the interface's own place; "none": no socket.
  std::optional<std::string> control;
  std::string control_group;       ///< whose members may change things; "": root alone
  std::string control_read_group;  ///< whose members may read; "": control_group's
};

/// Throws Error (kUsage) that names the option and what it takes.
[[nodiscard]] AppOptions parse_options(int argc, const char* const* argv);

void print_help(std::ostream& output);

}  // namespace afxfw
