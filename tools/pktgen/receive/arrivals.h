#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pktgen/receive/flow_tally.h"
#include "pktgen/receive/latency_histogram.h"
#include "pktgen/receive/stamp_reader.h"

namespace afxfw::pktgen {

/// A flow and what became of it.
struct FlowArrivals {
  Endpoints endpoints;
  FlowTally tally;
};

/// All that arrived of one run, by flow. Pure; used by one thread.
class Arrivals {
 public:
  /// One packet. arrival_ns: CLOCK_MONOTONIC. Packets of another run than the
  /// first packet's are only counted.
  void add(const StampedPacket& packet, std::uint32_t frame_bytes, std::uint64_t arrival_ns);

  [[nodiscard]] const LatencyHistogram& latency() const noexcept { return latency_; }
  /// By number; of those that did not come, received() is 0.
  [[nodiscard]] const std::vector<FlowArrivals>& flows() const noexcept { return flows_; }
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  /// Packets without their duplicates and without those too late to tell.
  [[nodiscard]] std::uint64_t distinct() const noexcept { return distinct_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t other_runs() const noexcept { return other_runs_; }
  /// Packets with a stamp later than their arrival: of another machine's clock.
  [[nodiscard]] std::uint64_t negative_latencies() const noexcept { return negative_latencies_; }
  /// CLOCK_MONOTONIC of the first and the latest packet.
  [[nodiscard]] std::uint64_t first_ns() const noexcept { return first_ns_; }
  [[nodiscard]] std::uint64_t latest_ns() const noexcept { return latest_ns_; }

 private:
  void add_latency(std::uint64_t stamp_ns, std::uint64_t arrival_ns) noexcept;

  LatencyHistogram latency_;
  std::vector<FlowArrivals> flows_;
  std::optional<std::uint32_t> run_;
  std::uint64_t received_ = 0;
  std::uint64_t distinct_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t other_runs_ = 0;
  std::uint64_t negative_latencies_ = 0;
  std::uint64_t first_ns_ = 0;
  std::uint64_t latest_ns_ = 0;
};

/// What a sender of `count` packets in `flows` flows that take turns sends of flow
/// number `flow`.
[[nodiscard]] constexpr std::uint64_t sent_of_flow(std::uint64_t count, std::uint64_t flows,
                                                   std::uint64_t flow) noexcept {
  return count / flows + (flow < count % flows ? 1 : 0);
}

}  // namespace afxfw::pktgen
