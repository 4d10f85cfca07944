#include "util/log.h"

namespace afxfw {

namespace detail {
std::atomic<LogSink> log_sink{nullptr};
std::atomic<LogSink> log_tap{nullptr};
}  // namespace detail

void set_log_sink(LogSink sink) noexcept {
  detail::log_sink.store(sink, std::memory_order_release);
}

void set_log_tap(LogSink tap) noexcept { detail::log_tap.store(tap, std::memory_order_release); }

}  // namespace afxfw
