#include "control/metrics_text.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "pipeline/inline_summary.h"

namespace afxfw {

namespace {

/// A label's value, in which backslash, quote and line end are escaped.
std::string escaped(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (const char character : value) {
    switch (character) {
      case '\\':
        text += "\\\\";
        break;
      case '"':
        text += "\\\"";
        break;
      case '\n':
        text += "\\n";
        break;
      default:
        text.push_back(character);
    }
  }
  return text;
}

using Labels = std::initializer_list<std::pair<const char*, std::string_view>>;

/// Collects samples. All those of one metric come one after another, as the
/// format demands.
class Writer {
 public:
  explicit Writer(std::string_view interface)
      : interface_(fmt::format("interface=\"{}\"", escaped(interface))) {}

  /// Begins a metric; the samples up to the next belong to it. name: a literal.
  void counter(const char* name, const char* help) { begin(name, "counter", help); }
  void gauge(const char* name, const char* help) { begin(name, "gauge", help); }

  template <typename Number>
  void sample(Number value, Labels labels = {}) {
    auto out = std::back_inserter(text_);
    fmt::format_to(out, "{}{{{}", name_, interface_);
    for (const auto& [label, label_value] : labels) {
      fmt::format_to(out, ",{}=\"{}\"", label, escaped(label_value));
    }
    fmt::format_to(out, "}} {}\n", value);
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void begin(const char* name, const char* type, const char* help) {
    name_ = name;
    fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                   type);
  }

  std::string interface_;
  const char* name_ = "";
  std::string text_;
};

void write_process(Writer& writer, const Snapshot& snapshot, std::string_view version) {
  writer.gauge("afxfw_info", "How afxfw runs on the interface; always 1.");
  writer.sample(1, {{"version", version},
                    {"xdp_mode", name(snapshot.xdp_mode)},
                    {"dispatcher", snapshot.in_dispatcher ? "true" : "false"},
                    {"on_failure", snapshot.fallback == AFXFW_FALLBACK_PASS ? "pass" : "drop"}});
  writer.gauge("afxfw_uptime_seconds", "Time since filtering began.");
  writer.sample(snapshot.uptime_s);
  writer.gauge("afxfw_ruleset_generation", "Number of the rules in force; a reload raises it.");
  writer.sample(snapshot.ruleset_generation);
  writer.counter("afxfw_packet_log_lines_total", "Lines written to the packet log.");
  writer.sample(snapshot.log_lines);
  writer.counter("afxfw_packet_log_suppressed_lines_total",
                 "Packet log lines left out, being over the rate or too many to queue.");
  writer.sample(snapshot.log_suppressed);
}

void write_inline(Writer& writer, const Snapshot& snapshot) {
  const InlineSummary summary = summarise(snapshot.inline_counters, snapshot.fallback);
  const NamedCounter outcomes[] = {
      {"pass", summary.pass},           {"drop", summary.drop},
      {"redirect", summary.redirect},   {"fallback", summary.fallback},
      {"malformed", summary.malformed}, {"fast_path", summary.fast_path},
      {"push_down", summary.push_down}};
  writer.counter("afxfw_inline_packets_total",
                 "Packets by what the XDP program did with them: pass to the stack, drop by the "
                 "inline policy, redirect to a worker, fallback (no worker), malformed (dropped), "
                 "fast_path (passed, of an accepted flow), push_down (dropped, of a blocked "
                 "source).");
  for (const auto& [label, count] : outcomes) writer.sample(count.packets, {{"outcome", label}});
  writer.counter("afxfw_inline_bytes_total",
                 "Bytes of the packets counted by afxfw_inline_packets_total.");
  for (const auto& [label, count] : outcomes) writer.sample(count.bytes, {{"outcome", label}});
  writer.counter("afxfw_inline_dropped_packets_total",
                 "Packets that the inline policy dropped, by the kind of its entry.");
  for (const auto& [label, count] : summary.drop_reasons) {
    writer.sample(count.packets, {{"reason", label}});
  }
  writer.counter("afxfw_xdp_action_packets_total", "Packets by the XDP program's return code.");
  for (const auto& [label, count] : summary.actions) {
    writer.sample(count.packets, {{"action", label}});
  }
}

void write_fast_path(Writer& writer, const Snapshot& snapshot) {
  const InlineSummary summary = summarise(snapshot.inline_counters, snapshot.fallback);
  writer.gauge("afxfw_fast_path_flows_max",
               "Accepted flows that the fast path holds at most, of each family; 0: it is off.");
  writer.sample(snapshot.fast_path_flows);
  writer.counter("afxfw_fast_path_lookups_total",
                 "Packets whose flow the fast path was asked for: hit (passed) or miss.");
  writer.sample(summary.fast_path.packets, {{"result", "hit"}});
  writer.sample(summary.new_flows.packets, {{"result", "miss"}});
}

void write_push_down(Writer& writer, const Snapshot& snapshot) {
  writer.gauge("afxfw_push_down_sources_max",
               "Blocked sources that the XDP program drops at most; 0: --push-down is off.");
  writer.sample(snapshot.push_down_most);
  writer.gauge("afxfw_push_down_sources", "Blocked sources that the XDP program drops now.");
  writer.sample(snapshot.push_down_sources);
}

/// A metric that each queue has one of.
template <typename Value>
void write_each_queue(Writer& writer, const Snapshot& snapshot, Value value) {
  for (const QueueSnapshot& queue : snapshot.queues) {
    writer.sample(value(queue), {{"queue", std::to_string(queue.queue_id)}});
  }
}

/// What the workers have counted, by queue.
void write_workers(Writer& writer, const Snapshot& snapshot) {
  const struct {
    const char* name;
    const char* help;
    std::uint64_t WorkerCounters::*value;
  } counters[] = {
      {"afxfw_received_packets_total", "Packets that a worker took from its RX ring.",
       &WorkerCounters::received},
      {"afxfw_received_bytes_total", "Bytes of those: Ethernet frames without FCS.",
       &WorkerCounters::bytes},
      {"afxfw_accepted_packets_total", "Packets that a worker accepted.",
       &WorkerCounters::accepted},
      {"afxfw_reinjected_packets_total", "Accepted packets that the kernel has sent on.",
       &WorkerCounters::reinjected},
      {"afxfw_tx_full_packets_total", "Accepted packets that were lost, the TX ring being full.",
       &WorkerCounters::tx_full},
      {"afxfw_checksums_finished_packets_total",
       "Packets whose checksum their sender had left to hardware.",
       &WorkerCounters::checksums_finished},
      {"afxfw_fast_path_flows_added_total", "Accepted flows given to the fast path.",
       &WorkerCounters::flows_added},
      {"afxfw_fast_path_flows_failed_total",
       "Accepted flows that the kernel did not take for the fast path.",
       &WorkerCounters::flows_failed},
      {"afxfw_bad_descriptors_total", "Descriptors that the kernel must not have handed out.",
       &WorkerCounters::bad_descriptors},
      {"afxfw_worker_sleeps_total", "Times that a worker waited for packets.",
       &WorkerCounters::sleeps},
  };
  for (const auto& each : counters) {
    writer.counter(each.name, each.help);
    write_each_queue(writer, snapshot,
                     [&](const QueueSnapshot& queue) { return queue.counters.*each.value; });
  }
  writer.counter("afxfw_dropped_packets_total", "Packets that a worker dropped, by reason.");
  for (const QueueSnapshot& queue : snapshot.queues) {
    for (std::size_t i = 1; i < kDropReasonCount; ++i) {  // 0 is no reason
      writer.sample(queue.counters.drop_reasons[i],
                    {{"queue", std::to_string(queue.queue_id)}, {"reason", kDropReasonNames[i]}});
    }
  }
  writer.gauge("afxfw_frames_unaccounted",
               "Frames of packet memory in no known place; 0 or a bug.");
  write_each_queue(writer, snapshot,
                   [](const QueueSnapshot& queue) { return queue.counters.frames_unaccounted; });
}

/// What the kernel says about the queues' sockets.
void write_sockets(Writer& writer, const Snapshot& snapshot) {
  writer.gauge("afxfw_queue_zero_copy", "1 if the queue's socket works without copies, else 0.");
  write_each_queue(writer, snapshot,
                   [](const QueueSnapshot& queue) { return queue.setup.zero_copy ? 1 : 0; });
  writer.gauge("afxfw_queue_cpu", "The CPU that the queue's worker runs on.");
  write_each_queue(writer, snapshot, [](const QueueSnapshot& queue) { return queue.cpu; });
  writer.counter(
      "afxfw_kernel_dropped_packets_total",
      "Packets that the kernel dropped before the worker, by cause: ring_full (RX ring), "
      "other (no frame in the fill ring, or too long).");
  for (const QueueSnapshot& queue : snapshot.queues) {
    const std::string id = std::to_string(queue.queue_id);
    writer.sample(queue.kernel.rx_ring_full, {{"queue", id}, {"cause", "ring_full"}});
    writer.sample(queue.kernel.rx_dropped, {{"queue", id}, {"cause", "other"}});
  }
  writer.counter("afxfw_fill_ring_empty_total", "Times that the kernel found the fill ring empty.");
  write_each_queue(writer, snapshot, [](const QueueSnapshot& queue) {
    return queue.kernel.rx_fill_ring_empty_descs;
  });
  writer.counter("afxfw_invalid_descriptors_total",
                 "Descriptors of afxfw's that the kernel refused, by ring.");
  for (const QueueSnapshot& queue : snapshot.queues) {
    const std::string id = std::to_string(queue.queue_id);
    writer.sample(queue.kernel.rx_invalid_descs, {{"queue", id}, {"ring", "fill"}});
    writer.sample(queue.kernel.tx_invalid_descs, {{"queue", id}, {"ring", "tx"}});
  }
}

void write_rules(Writer& writer, const Snapshot& snapshot) {
  const auto samples = [&](std::uint64_t RuleCounter::*value) {
    for (const RuleSnapshot& each : snapshot.rules) {
      if (each.rule.slot == kNoSlot) continue;
      writer.sample(each.counter.*value, {{"handle", std::to_string(each.rule.handle)},
                                          {"chain", each.rule.chain},
                                          {"rule", each.rule.text}});
    }
  };
  writer.counter("afxfw_rule_packets_total", "Packets that a rule counted.");
  samples(&RuleCounter::packets);
  writer.counter("afxfw_rule_bytes_total", "Bytes of the packets that a rule counted.");
  samples(&RuleCounter::bytes);
}

}  // namespace

std::string metrics_text(const Snapshot& snapshot, std::string_view version) {
  Writer writer(snapshot.interface);
  write_process(writer, snapshot, version);
  write_inline(writer, snapshot);
  write_fast_path(writer, snapshot);
  write_push_down(writer, snapshot);
  write_workers(writer, snapshot);
  write_sockets(writer, snapshot);
  write_rules(writer, snapshot);
  return writer.take();
}

}  // namespace afxfw
