#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "util/log.h"

namespace afxfw {

/// What a message is about and when it came.
struct LogContext {
  LogLevel level = LogLevel::kInfo;
  std::chrono::system_clock::time_point time;
  std::string_view interface;  ///< "": the message is about none
};

/// A message as one line of JSON, without a newline: "time" (RFC 3339, UTC,
/// microseconds), "level", "interface" unless there is none, and "message" as it
/// is. Bytes that aren't UTF-8 are replaced.
[[nodiscard]] std::string log_json(const LogContext& context, std::string_view message);

/// Every line of a message behind "<N>", N being the priority of syslog(3), as
/// sd-daemon(3) has it; each line with its newline.
[[nodiscard]] std::string log_with_priority(LogLevel level, std::string_view message);

/// The priority of syslog(3) for a level: 3 (error) to 7 (debug).
[[nodiscard]] int syslog_priority(LogLevel level) noexcept;

/// As --log-level takes it.
[[nodiscard]] std::string_view name(LogLevel level) noexcept;

}  // namespace afxfw
