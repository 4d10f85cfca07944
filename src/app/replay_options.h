#pragma once

#include <iosfwd>

#include "afxfw_abi.h"
#include "loading/rule_loader.h"
#include "replay/replay.h"

namespace afxfw {

/// afxfw-replay's command line.
struct ReplayAppOptions {
  enum class Command { kRun, kHelp, kVersion };

  Command command = Command::kRun;
  RuleFiles rule_files;
  afxfw_inline_policy inline_policy{};
  ReplayOptions replay;
  bool explain = false;
  bool json = false;

  /// A capture is written to standard output, which then has no room for else.
  [[nodiscard]] bool capture_on_stdout() const {
    return replay.write_accepted == "-" || replay.write_dropped == "-";
  }
};

/// Throws Error (kUsage) that names the option and what it takes.
[[nodiscard]] ReplayAppOptions parse_replay_options(int argc, const char* const* argv);

void print_replay_help(std::ostream& output);

}  // namespace afxfw
