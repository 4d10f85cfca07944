#include "app/log_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <syslog.h>

#include <algorithm>
#include <cstddef>

#include "util/json.h"

namespace afxfw {

namespace {

std::string timestamp(std::chrono::system_clock::time_point time) {
  using std::chrono::microseconds;
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)),
                     std::chrono::floor<microseconds>(time - whole).count());
}

}  // namespace

std::string_view name(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

int syslog_priority(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kDebug:
      return LOG_DEBUG;
    case LogLevel::kInfo:
      return LOG_INFO;
    case LogLevel::kWarn:
      return LOG_WARNING;
    case LogLevel::kError:
      return LOG_ERR;
  }
  return LOG_INFO;
}

std::string log_json(const LogContext& context, std::string_view message) {
  Json json = {{"time", timestamp(context.time)}, {"level", name(context.level)}};
  if (!context.interface.empty()) json["interface"] = context.interface;
  json["message"] = message;
  return json_text(json);
}

std::string log_with_priority(LogLevel level, std::string_view message) {
  std::string text;
  for (std::size_t start = 0; start <= message.size();) {
    const std::size_t end = std::min(message.find('\n', start), message.size());
    text += fmt::format("<{}>{}\n", syslog_priority(level), message.substr(start, end - start));
    start = end + 1;
  }
  return text;
}

}  // namespace afxfw
