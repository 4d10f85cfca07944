#include "pktgen/receive/arrivals.h"

namespace afxfw::pktgen {

void Arrivals::add(const StampedPacket& packet, std::uint32_t frame_bytes,
                   std::uint64_t arrival_ns) {
  const pktgen_stamp& stamp = packet.stamp;
  if (!run_) {
    run_ = stamp.run;
    first_ns_ = arrival_ns;
  } else if (stamp.run != *run_) {
    ++other_runs_;
    return;
  }
  if (stamp.flow >= flows_.size()) flows_.resize(stamp.flow + 1);
  FlowArrivals& flow = flows_[stamp.flow];
  if (flow.tally.received() == 0) flow.endpoints = packet.endpoints;
  const std::uint64_t distinct_before = flow.tally.distinct();
  flow.tally.add(stamp.sequence);
  distinct_ += flow.tally.distinct() - distinct_before;
  ++received_;
  bytes_ += frame_bytes;
  latest_ns_ = arrival_ns;
  add_latency(stamp.time_ns, arrival_ns);
}

void Arrivals::add_latency(std::uint64_t stamp_ns, std::uint64_t arrival_ns) noexcept {
  constexpr std::uint64_t kModulus = std::uint64_t{1} << PKTGEN_STAMP_TIME_BITS;
  const std::uint64_t latency = (arrival_ns - stamp_ns) % kModulus;
  // The upper half of the circle is the past's.
  if (latency >= kModulus / 2) {
    ++negative_latencies_;
  } else {
    latency_.add(latency);
  }
}

}  // namespace afxfw::pktgen
