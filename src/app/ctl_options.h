#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "ctl/capture.h"
#include "ctl/top.h"

namespace afxfw {

/// afxfwctl's command line.
struct CtlOptions {
  enum class Command {
    kHelp,
    kOwnVersion,  ///< --version: of afxfwctl alone
    kVersion,
    kStatus,
    kTop,
    kListRules,
    kListSets,
    kListSet,
    kResetCounters,
    kAdd,
    kDelete,
    kFlush,
    kReload,
    kConfirm,
    kMonitor,
    kDetach,
    kCapture,
  };

  Command command = Command::kHelp;
  std::string interface;  ///< "": the only one
  std::string socket;     ///< "": found by the interface
  bool json = false;
  std::string set;                         ///< of kListSet, kAdd, kDelete, kFlush
  std::vector<std::string> elements;       ///< of kAdd, kDelete
  std::optional<std::string> file;         ///< with more elements; "-": standard input
  std::optional<std::uint64_t> timeout_s;  ///< of kAdd
  std::string comment;                     ///< of kAdd
  std::optional<std::string> rules;        ///< of kReload; absolute
  std::optional<std::uint64_t> confirm_s;  ///< of kReload
  CaptureOptions capture;                  ///< of kCapture
  TopOptions top;                          ///< of kTop
  bool batch = false;                      ///< of kTop: plain text instead of a screen
  std::optional<std::uint64_t> times;      ///< of kTop with batch or json; nothing: for ever
};

/// Throws Error (kUsage) that says what the command takes.
[[nodiscard]] CtlOptions parse_ctl_options(int argc, const char* const* argv);

void print_ctl_help(std::ostream& output);

}  // namespace afxfw
