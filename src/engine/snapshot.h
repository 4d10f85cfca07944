#pragma once

#include <linux/if_xdp.h>

#include <cstdint>
#include <string>
#include <vector>

#include "afxfw_abi.h"
#include "engine/live_rules.h"
#include "rules/rule_set.h"
#include "worker/worker.h"
#include "xsk/xdp_program.h"

namespace afxfw {

/// A second's change of a queue's counters, or what there was of it since the start.
struct QueueRates {
  double received = 0;  ///< packets a second
  double accepted = 0;
  double dropped = 0;
  double reinjected = 0;
  double bits = 0;  ///< a second

  QueueRates& operator+=(const QueueRates& other) noexcept;
};

/// One queue at one moment.
struct QueueSnapshot {
  std::uint32_t queue_id = 0;
  int cpu = 0;
  WorkerSetup setup;
  WorkerCounters counters;
  xdp_statistics kernel{};
  QueueRates rates{};

  /// Packets that the kernel had for this queue's socket and dropped. Those for
  /// want of a fill frame are part of rx_dropped.
  [[nodiscard]] std::uint64_t kernel_drops() const noexcept {
    return kernel.rx_dropped + kernel.rx_ring_full;
  }
};

struct RuleSnapshot {
  Rule rule;
  RuleCounter counter;
};

/// Everything that statistics are made from, at one moment. Counters count from
/// the start of the engine.
struct Snapshot {
  std::string interface;
  XdpMode xdp_mode = XdpMode::kNative;
  bool in_dispatcher = false;
  double uptime_s = 0;
  std::uint64_t ruleset_generation = 0;
  std::uint32_t fallback = AFXFW_FALLBACK_PASS;  ///< enum afxfw_fallback
  InlineCounters inline_counters{};
  std::uint32_t fast_path_flows = 0;  ///< that fit, of each family; 0: no fast path
  std::uint32_t push_down_most = 0;   ///< sources that XDP may drop; 0: --push-down is off
  std::size_t push_down_sources = 0;  ///< that it drops
  std::vector<QueueSnapshot> queues;
  std::vector<RuleSnapshot> rules;
  std::vector<SetSize> sets;
  LoadRecord load;
  std::uint64_t log_lines = 0;
  std::uint64_t log_suppressed = 0;
};

/// The sum over all queues; rules are left out, see Snapshot::rules.
struct Totals {
  WorkerCounters counters;
  std::uint64_t kernel_drops = 0;
  QueueRates rates{};
};
[[nodiscard]] Totals total(const Snapshot& snapshot);

}  // namespace afxfw
