#pragma once

#include <cerrno>
#include <chrono>
#include <thread>

namespace afxfw {

/// A queue stays busy for some milliseconds after its last socket closed,
/// because the kernel releases its memory later.
inline constexpr std::chrono::milliseconds kBusyRetry{2000};

/// Calls bind(), which returns 0 or a negated errno as libxdp's functions do,
/// until the queue is no longer busy or kBusyRetry is over. Returns its last
/// result.
template <typename Bind>
int retry_while_busy(const Bind& bind) {
  constexpr std::chrono::milliseconds kInterval{20};
  const auto deadline = std::chrono::steady_clock::now() + kBusyRetry;
  int result = bind();
  while (result == -EBUSY && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kInterval);
    result = bind();
  }
  return result;
}

}  // namespace afxfw
