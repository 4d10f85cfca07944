#include "util/log.h"

namespace afxfw {

namespace detail {
std::atomic<LogSink> log_sink{nullptr};
}

void set_log_sink(LogSink sink) noexcept {
  detail::log_sink.store(sink, std::memory_order_release);
}

}  // namespace afxfw
