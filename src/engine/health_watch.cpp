#include "engine/health_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "util/number_text.h"

namespace afxfw {

namespace {

using Growth = GrowthAlarm::Growth;

/// "1,234 packets in the last 10 s"; what came before the first look has no time.
std::string describe(const Growth& growth, const char* unit) {
  std::string amount = fmt::format("{} {}", grouped(growth.amount), unit);
  if (growth.seconds < 1) return amount;
  return fmt::format("{} in the last {:.0f} s", amount, growth.seconds);
}

}  // namespace

std::vector<std::string> HealthWatch::check(const std::string& interface,
                                            const std::vector<QueueSnapshot>& queues,
                                            std::chrono::steady_clock::time_point now) {
  std::vector<std::string> warnings;
  const auto report = [&](const QueueSnapshot& queue, const std::string& what) {
    warnings.push_back(fmt::format("{} queue {}: {}", interface, queue.queue_id, what));
  };
  for (std::size_t i = 0; i < std::min(queues.size(), alarms_.size()); ++i) {
    const QueueSnapshot& queue = queues[i];
    Alarms& alarms = alarms_[i];
    const auto fill_ring_empty =
        alarms.fill_ring_empty.update(queue.kernel.rx_fill_ring_empty_descs, now);
    if (const auto growth = alarms.kernel_drops.update(queue.kernel_drops(), now)) {
      report(queue,
             fmt::format("the kernel dropped {}, {}: the worker cannot keep up; give it a "
                         "CPU of its own (--cpus, now {}), use more queues, or raise "
                         "--ring-size and --frames",
                         describe(*growth, "packets"),
                         fill_ring_empty ? "the fill ring being empty" : "the RX ring being full",
                         queue.cpu));
    } else if (fill_ring_empty) {
      report(queue, fmt::format("the fill ring ran empty, {}: the driver had no frame to put a "
                                "packet in; raise --frames and --ring-size",
                                describe(*fill_ring_empty, "times")));
    }
    if (const auto growth = alarms.tx_full.update(queue.counters.tx_full, now)) {
      report(queue,
             fmt::format("{} were accepted but lost, the TX ring being full: where --reinject "
                         "sends them cannot keep up; raise --ring-size or accept less",
                         describe(*growth, "packets")));
    }
    if (const auto growth = alarms.bad_frames.update(
            queue.counters.bad_descriptors + queue.counters.frames_unaccounted, now)) {
      report(queue, fmt::format("{} that the kernel must not have handed out were put aside: a bug "
                                "of the driver or of afxfw; --zero-copy off avoids most of the "
                                "former",
                                describe(*growth, "frames")));
    }
  }
  return warnings;
}

}  // namespace afxfw
