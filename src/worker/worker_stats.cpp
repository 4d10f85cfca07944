#include "worker/worker_stats.h"

namespace afxfw {

WorkerCounters WorkerStats::read() const {
  WorkerCounters copy;
  // A copy from the middle of a write beats none: its counters are off by a batch.
  version.read_consistently([&] {
    copy.received = received.get();
    copy.bytes = bytes.get();
    copy.accepted = accepted.get();
    copy.dropped = dropped.get();
    for (std::size_t i = 0; i < drop_reasons.size(); ++i) {
      copy.drop_reasons[i] = drop_reasons[i].get();
    }
    copy.reinjected = reinjected.get();
    copy.tx_full = tx_full.get();
    copy.checksums_finished = checksums_finished.get();
    copy.flows_added = flows_added.get();
    copy.flows_failed = flows_failed.get();
    copy.bad_descriptors = bad_descriptors.get();
    copy.frames_unaccounted = frames_unaccounted.get();
    copy.log_queued = log_queued.get();
    copy.log_suppressed = log_suppressed.get();
    copy.sleeps = sleeps.get();
  });
  return copy;
}

}  // namespace afxfw
