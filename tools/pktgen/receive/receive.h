#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "pktgen/options.h"
#include "pktgen/receive/arrivals.h"
#include "xsk/link.h"

namespace afxfw::pktgen {

enum class ReceiveEnd {
  kCount,     ///< all packets of --count have come
  kDuration,  ///< the time was up
  kIdle,      ///< nothing had come for --idle-timeout
  kSignal,    ///< asked to stop
};

struct ReceiveResult {
  ReceiveEnd end = ReceiveEnd::kSignal;
  Arrivals arrivals;
  std::uint64_t foreign = 0;           ///< IP packets without a stamp
  std::uint64_t receiver_dropped = 0;  ///< lost by the receiver itself: its ring was full
};

/// Takes stamped packets from the interface until a limit is reached or `stop_fd`
/// becomes readable. on_ready: called once, when a packet sent from then on would
/// be seen. on_progress: called often, with the stamped packets so far. Throws Error.
[[nodiscard]] ReceiveResult receive(const ReceiveOptions& options, const Link& link, int stop_fd,
                                    const std::function<void()>& on_ready,
                                    const std::function<void(std::uint64_t)>& on_progress);

}  // namespace afxfw::pktgen
