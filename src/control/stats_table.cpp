#include "control/stats_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/inline_summary.h"
#include "util/number_text.h"

namespace afxfw {

namespace {

constexpr double kBitsPerByte = 8;

/// One line of the per-queue table; before is all zero for totals.
std::string queue_line(const std::string& label, const std::string& cpu, const char* zero_copy,
                       const WorkerCounters& now, const WorkerCounters& before,
                       std::uint64_t kernel_drops, double seconds) {
  const auto rate = [seconds](std::uint64_t after, std::uint64_t earlier) {
    return scaled(static_cast<double>(after - earlier) / seconds);
  };
  return fmt::format(
      "  {:>5} {:>4} {:>4} {:>10} {:>10} {:>10} {:>10} {:>10} {:>15} {:>15} {:>15} "
      "{:>12} {:>12}\n",
      label, cpu, zero_copy, rate(now.received, before.received),
      rate(now.accepted, before.accepted), rate(now.dropped, before.dropped),
      rate(now.reinjected, before.reinjected),
      scaled(kBitsPerByte * static_cast<double>(now.bytes - before.bytes) / seconds),
      grouped(now.received), grouped(now.accepted), grouped(now.dropped), grouped(now.tx_full),
      grouped(kernel_drops));
}

std::string inline_line(const Snapshot& before, const Snapshot& now, double seconds) {
  const InlineSummary earlier = summarise(before.inline_counters, before.fallback);
  const InlineSummary later = summarise(now.inline_counters, now.fallback);
  const auto field = [&](const char* label, afxfw_counter InlineSummary::*member) {
    const std::uint64_t packets = (later.*member).packets;
    const double rate = static_cast<double>(packets - (earlier.*member).packets) / seconds;
    return fmt::format("{} {} ({}/s)", label, grouped(packets), scaled(rate));
  };
  std::string line = fmt::format(
      "  XDP:  {}   {}   {}   {}   {}\n", field("drop", &InlineSummary::drop),
      field("pass", &InlineSummary::pass), field("to workers", &InlineSummary::redirect),
      field("fallback", &InlineSummary::fallback), field("malformed", &InlineSummary::malformed));
  if (now.fast_path_flows != 0) {
    line += fmt::format(
        "  fast path:  {}   {}   added {}\n", field("hit", &InlineSummary::fast_path),
        field("miss", &InlineSummary::new_flows), grouped(total(now).counters.flows_added));
  }
  if (now.push_down_most != 0) {
    line += fmt::format("  push-down:  {}   sources {} of {}\n",
                        field("dropped", &InlineSummary::push_down), now.push_down_sources,
                        now.push_down_most);
  }
  return line;
}

}  // namespace

std::string interval_table(const Snapshot& before, const Snapshot& now) {
  const double seconds = std::max(now.uptime_s - before.uptime_s, 1e-3);
  const Totals earlier = total(before);
  const Totals later = total(now);
  std::string text =
      fmt::format("afxfw {}  up {:.0f} s  {} XDP  rules generation {}\n", now.interface,
                  now.uptime_s, name(now.xdp_mode), now.ruleset_generation);
  text += fmt::format(
      "  {:>5} {:>4} {:>4} {:>10} {:>10} {:>10} {:>10} {:>10} {:>15} {:>15} {:>15} "
      "{:>12} {:>12}\n",
      "queue", "cpu", "zc", "recv/s", "accept/s", "drop/s", "reinj/s", "bit/s", "received",
      "accepted", "dropped", "tx full", "kernel drop");
  for (std::size_t i = 0; i < now.queues.size(); ++i) {
    const QueueSnapshot& queue = now.queues[i];
    const WorkerCounters& previous = before.queues[i].counters;
    text += queue_line(std::to_string(queue.queue_id), std::to_string(queue.cpu),
                       queue.setup.zero_copy ? "yes" : "no", queue.counters, previous,
                       queue.kernel_drops(), seconds);
  }
  if (now.queues.size() > 1) {
    text +=
        queue_line("all", "", "", later.counters, earlier.counters, later.kernel_drops, seconds);
  }
  text += inline_line(before, now, seconds);
  if (now.log_suppressed != 0) {
    text += fmt::format("  packet log: {} lines, {} suppressed\n", grouped(now.log_lines),
                        grouped(now.log_suppressed));
  }
  return text;
}

std::string summary_table(const Snapshot& now) {
  const Totals totals = total(now);
  const WorkerCounters& counters = totals.counters;
  const InlineSummary xdp = summarise(now.inline_counters, now.fallback);
  const double seconds = std::max(now.uptime_s, 1e-3);
  const auto line = [](const char* label, std::uint64_t packets, const std::string& note = "") {
    return fmt::format("  {:<28}{:>18}{}{}\n", label, grouped(packets), note.empty() ? "" : "  ",
                       note);
  };
  std::string text = fmt::format("afxfw {}: {:.1f} s in {} mode, packets:\n", now.interface,
                                 now.uptime_s, name(now.xdp_mode));
  text += line("dropped inline by XDP", xdp.drop.packets,
               fmt::format("{} protocol, {} port", grouped(xdp.drop_reasons[0].counter.packets),
                           grouped(xdp.drop_reasons[1].counter.packets)));
  text += line("malformed, dropped by XDP", xdp.malformed.packets);
  text += line("passed by XDP", xdp.pass.packets, "not IP, or neighbour discovery");
  if (now.push_down_most != 0) {
    text += line("blocked, dropped by XDP", xdp.push_down.packets, "--push-down");
  }
  if (now.fast_path_flows != 0) {
    text += line("passed by XDP, known flow", xdp.fast_path.packets,
                 fmt::format("{} packets' flows not known, {} flows added",
                             grouped(xdp.new_flows.packets), grouped(counters.flows_added)));
  }
  text += line("no worker on the queue", xdp.fallback.packets,
               now.fallback == AFXFW_FALLBACK_PASS ? "passed" : "dropped");
  text += line("sent to workers", xdp.redirect.packets);
  text += line("  dropped by the kernel", totals.kernel_drops, "rings full or empty");
  text += line(
      "  received by workers", counters.received,
      fmt::format("{}/s on average", scaled(static_cast<double>(counters.received) / seconds)));
  for (std::size_t i = 1; i < kDropReasonCount; ++i) {
    if (counters.drop_reasons[i] != 0) {
      text += line(fmt::format("    dropped: {}", kDropReasonNames[i]).c_str(),
                   counters.drop_reasons[i]);
    }
  }
  text += line("    accepted", counters.accepted);
  text += line("      reinjected", counters.reinjected);
  if (counters.tx_full != 0) text += line("      lost, TX ring full", counters.tx_full);
  for (const RuleSnapshot& rule : now.rules) {
    if (rule.rule.slot == kNoSlot) continue;
    const RuleCounter& count = rule.counter;
    text += fmt::format("  rule {:<3} {:<36}{:>18} {:<7} {:>20} {}\n", rule.rule.handle,
                        rule.rule.text, grouped(count.packets), plural(count.packets, "packet"),
                        grouped(count.bytes), plural(count.bytes, "byte"));
  }
  if (now.log_lines != 0 || now.log_suppressed != 0) {
    text += fmt::format("  packet log: {} lines, {} suppressed\n", grouped(now.log_lines),
                        grouped(now.log_suppressed));
  }
  return text;
}

}  // namespace afxfw
