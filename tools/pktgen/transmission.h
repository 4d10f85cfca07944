#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pktgen/options.h"
#include "pktgen/schedule.h"
#include "pktgen/sender.h"
#include "pktgen/traffic_plan.h"
#include "xsk/link.h"

namespace afxfw::pktgen {

/// One sending thread's part.
struct Lane {
  int cpu = 0;
  std::unique_ptr<Sender> sender;
  SendResult already;  ///< sent while the method was chosen: counts as the rest does
};

/// How a run's frames are sent, ready to be sent.
struct Transmission {
  Method method = Method::kLive;  ///< never kAuto
  bool zero_copy = false;         ///< AF_XDP without a copy, on all queues
  std::string reason;             ///< why this method
  Clock::time_point start;        ///< not later than the first frame
  std::vector<Lane> lanes;        ///< lane T of N has packets T, T + N, T + 2 * N, ...
};

/// Opens what options.method asks for. With kAuto the run's first frame decides:
/// when the interface cannot take it as a live frame, AF_XDP sends everything,
/// that frame included. The plan must outlive the result. Throws Error.
[[nodiscard]] Transmission open_transmission(const Options& options, const Link& link,
                                             const TrafficPlan& plan);

/// What a refusal's errno means on this interface and what to do about it.
[[nodiscard]] std::string explain_refusal(const Link& link, Method method, int error);

/// The interface takes no live frames at all, as opposed to not now.
[[nodiscard]] bool refuses_live_frames(int error) noexcept;

}  // namespace afxfw::pktgen
