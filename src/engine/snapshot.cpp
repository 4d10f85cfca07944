#include "engine/snapshot.h"

namespace afxfw {

QueueRates& QueueRates::operator+=(const QueueRates& other) noexcept {
  received += other.received;
  accepted += other.accepted;
  dropped += other.dropped;
  reinjected += other.reinjected;
  bits += other.bits;
  return *this;
}

Totals total(const Snapshot& snapshot) {
  Totals sum;
  for (const QueueSnapshot& queue : snapshot.queues) {
    const WorkerCounters& from = queue.counters;
    WorkerCounters& to = sum.counters;
    to.received += from.received;
    to.bytes += from.bytes;
    to.accepted += from.accepted;
    to.dropped += from.dropped;
    for (std::size_t i = 0; i < to.drop_reasons.size(); ++i) {
      to.drop_reasons[i] += from.drop_reasons[i];
    }
    to.reinjected += from.reinjected;
    to.tx_full += from.tx_full;
    to.checksums_finished += from.checksums_finished;
    to.flows_added += from.flows_added;
    to.flows_failed += from.flows_failed;
    to.bad_descriptors += from.bad_descriptors;
    to.frames_unaccounted += from.frames_unaccounted;
    to.log_queued += from.log_queued;
    to.log_suppressed += from.log_suppressed;
    to.sleeps += from.sleeps;
    sum.kernel_drops += queue.kernel_drops();
    sum.rates += queue.rates;
  }
  return sum;
}

}  // namespace afxfw
