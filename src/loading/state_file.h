#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "rules/run_time_changes.h"

namespace afxfw {

/// Two clocks at the same moment, in milliseconds: what run-time changes count by, and
/// the time of day, which outlives the process.
struct StateClock {
  std::uint64_t now_ms = 0;
  std::uint64_t unix_ms = 0;
};

/// What was changed at run time, as the file of --persist holds it: JSON, a line for
/// each element in the order in which they were added. The first line tells the format.
[[nodiscard]] std::string format_state(const RunTimeChanges& changes, const StateClock& clock);

/// Reads that again, without what is over by now. The error names the line.
[[nodiscard]] tl::expected<RunTimeChanges, std::string> parse_state(std::string_view text,
                                                                    const StateClock& clock);

}  // namespace afxfw
