#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "ctl/connection.h"

namespace afxfw {

struct TopOptions {
  std::chrono::milliseconds interval{1000};
  std::size_t count = 10;  ///< rules and sources, at most
};

/// The live screen, until the user quits or ends it by a signal. Throws Error, with the terminal
/// as it was before: no terminal, or afxfw has ended.
void run_top(ControlConnection& connection, const TopOptions& options);

struct TopOutput {
  bool json = false;                   ///< a line each, of both answers, instead of screens
  std::optional<std::uint64_t> times;  ///< nothing: for ever
  std::function<void(const std::string&)> write;
};

/// The same as plain text, one after the other, each an interval after the one before. Throws
/// Error when afxfw has ended.
void print_top(ControlConnection& connection, const TopOptions& options, const TopOutput& output);

}  // namespace afxfw
