#pragma once

#include <fmt/format.h>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

namespace afxfw {

enum class LogLevel : int { kDebug, kInfo, kWarn, kError };

/// Receives every message of the library, one line without a newline, from any
/// thread but never from a worker's packet path.
using LogSink = void (*)(LogLevel level, std::string_view line);

/// The library itself never prints: without a sink, messages go nowhere.
void set_log_sink(LogSink sink) noexcept;

/// Receives warnings and errors besides the sink, for those who watch.
void set_log_tap(LogSink tap) noexcept;

namespace detail {
extern std::atomic<LogSink> log_sink;
extern std::atomic<LogSink> log_tap;

template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  LogSink const sink = log_sink.load(std::memory_order_acquire);
  LogSink const tap = level >= LogLevel::kWarn ? log_tap.load(std::memory_order_acquire) : nullptr;
  if (sink == nullptr && tap == nullptr) return;
  const std::string line = fmt::format(format, std::forward<Args>(args)...);
  if (sink != nullptr) sink(level, line);
  if (tap != nullptr) tap(level, line);
}
}  // namespace detail

template <typename... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  detail::log(LogLevel::kDebug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  detail::log(LogLevel::kInfo, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_warn(fmt::format_string<Args...> format, Args&&... args) {
  detail::log(LogLevel::kWarn, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  detail::log(LogLevel::kError, format, std::forward<Args>(args)...);
}

}  // namespace afxfw
