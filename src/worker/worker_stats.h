#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "rules/verdict.h"
#include "util/cache_line.h"
#include "util/counter.h"
#include "util/version.h"

namespace afxfw {

/// What a worker has done, as plain numbers. Invariants of every copy:
/// received = accepted + dropped, and dropped = the sum of drop_reasons.
struct WorkerCounters {
  std::uint64_t received = 0;  ///< packets taken from the RX ring
  std::uint64_t bytes = 0;     ///< of those: Ethernet frames without FCS
  std::uint64_t accepted = 0;
  std::uint64_t dropped = 0;
  std::array<std::uint64_t, kDropReasonCount> drop_reasons{};

  std::uint64_t reinjected = 0;          ///< accepted packets that the kernel has sent on
  std::uint64_t tx_full = 0;             ///< accepted, but there was no room in the TX ring: lost
  std::uint64_t checksums_finished = 0;  ///< partial checksums completed

  std::uint64_t flows_added = 0;   ///< accepted flows given to the XDP program's fast path
  std::uint64_t flows_failed = 0;  ///< that the kernel refused

  std::uint64_t bad_descriptors = 0;     ///< refused: the kernel handed out what it does not own
  std::uint64_t frames_unaccounted = 0;  ///< frames in no place between two batches; 0 or a bug
  std::uint64_t log_queued = 0;          ///< packet log records handed to the logger
  std::uint64_t log_suppressed = 0;      ///< not handed over, the queue was full
  std::uint64_t sleeps = 0;              ///< times it waited in poll()
};

/// The same numbers as a worker writes them and others read them, alone on
/// their cache lines.
class alignas(kCacheLine) WorkerStats {
 public:
  /// A consistent copy. Any thread.
  [[nodiscard]] WorkerCounters read() const;

  // Written by the worker only, inside a Version::Write.
  Version version;
  Counter received, bytes, accepted, dropped;
  std::array<Counter, kDropReasonCount> drop_reasons;
  Counter reinjected, tx_full, checksums_finished;
  Counter flows_added, flows_failed;
  Counter bad_descriptors, frames_unaccounted;
  Counter log_queued, log_suppressed, sleeps;
  /// Busy polling, times that a great many rounds in a row found nothing; only
  /// shows that the worker runs.
  Counter idle_spells;
};

}  // namespace afxfw
