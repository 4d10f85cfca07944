#include "ctl/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "ctl/json_fields.h"
#include "util/number_text.h"

namespace afxfw {

namespace {

std::string local_time(std::uint64_t unix_s) {
  const auto time = static_cast<std::time_t>(unix_s);
  std::tm local{};
  localtime_r(&time, &local);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

std::string queue_line(const std::string& label, const Json& counters, std::uint64_t kernel_drops) {
  const Json& rates = member(counters, "rates");
  const bool is_queue = counters.contains("cpu");
  return fmt::format(
      "  {:>5} {:>4} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>15} {:>15} {:>15} {:>9} {:>11}\n",
      label, is_queue ? std::to_string(number(counters, "cpu")) : "",
      !is_queue                     ? ""
      : flag(counters, "zero_copy") ? "yes"
                                    : "no",
      scaled(real(rates, "received")), scaled(real(rates, "accepted")),
      scaled(real(rates, "dropped")), scaled(real(rates, "reinjected")),
      scaled(real(rates, "bits")), grouped(number(counters, "received")),
      grouped(number(counters, "accepted")), grouped(number(counters, "dropped")),
      grouped(number(counters, "tx_full")), grouped(kernel_drops));
}

std::string queues_text(const Json& status) {
  std::string lines = fmt::format(
      "  {:>5} {:>4} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>15} {:>15} {:>15} {:>9} {:>11}\n",
      "queue", "cpu", "zero-copy", "recv/s", "accept/s", "drop/s", "reinj/s", "bit/s", "received",
      "accepted", "dropped", "tx full", "kernel drop");
  const Json& queues = member(status, "queues");
  for (const Json& queue : queues) {
    const Json& kernel = member(queue, "kernel");
    lines += queue_line(std::to_string(number(queue, "queue")), queue,
                        number(kernel, "rx_dropped") + number(kernel, "rx_ring_full"));
  }
  if (queues.size() > 1) {
    const Json& total = member(status, "total");
    lines += queue_line("all", total, number(total, "kernel_drops"));
  }
  return lines;
}

/// "blocklist 12   rule 3": what an object of counters holds.
std::string counters_text(const Json& counters) {
  std::string line;
  for (const auto& [name, value] : counters.items()) {
    if (!value.is_number_unsigned()) continue;
    line += fmt::format("{}{} {}", line.empty() ? "" : "   ", name,
                        grouped(value.get<std::uint64_t>()));
  }
  return line;
}

std::string load_text(const Json& load) {
  std::string line =
      fmt::format("  loaded   {} by {}\n", local_time(number(load, "at")), text(load, "by"));
  if (load.contains("goes_back_at")) {
    line += fmt::format("           goes back at {} unless: afxfwctl confirm\n",
                        local_time(number(load, "goes_back_at")));
  }
  if (load.contains("last_error")) {
    line += fmt::format("           a later reload failed and changed nothing:\n{}\n",
                        text(load, "last_error"));
  }
  return line;
}

std::string set_size(const Json& set) {
  const Json& run_time = member(set, "run_time");
  const std::string name = text(set, "name");
  const bool list = name == "blocklist" || name == "allowlist";
  const std::uint64_t elements = number(set, "elements");
  std::string line = fmt::format("{} {}{}", grouped(elements), list ? "range" : "element",
                                 elements == 1 ? "" : "s");
  if (number(run_time, "added") != 0) {
    line += fmt::format(", {} added at run time", grouped(number(run_time, "added")));
  }
  if (number(run_time, "removed") != 0) {
    line += fmt::format(", {} taken away", grouped(number(run_time, "removed")));
  }
  return line;
}

std::size_t widest_name(const Json& sets) {
  std::size_t widest = 0;
  for (const Json& set : sets) widest = std::max(widest, text(set, "name").size());
  return widest;
}

std::string rules_of_status(const Json& rules) {
  std::string lines;
  for (const Json& rule : rules) {
    if (!rule.contains("packets") || rule["packets"].is_null()) continue;
    const std::uint64_t packets = number(rule, "packets");
    const std::uint64_t bytes = number(rule, "bytes");
    lines += fmt::format("  {:<8} {:>15} {:<7} {:>20} {:<5}  {}\n",
                         fmt::format("rule {}", number(rule, "handle")), grouped(packets),
                         plural(packets, "packet"), grouped(bytes), plural(bytes, "byte"),
                         text(rule, "text"));
  }
  return lines;
}

std::string element_text(const Json& element) {
  std::string line = text(element, "element");
  if (element.contains("packets")) {
    line += fmt::format(" counter packets {} bytes {}", number(element, "packets"),
                        number(element, "bytes"));
  }
  if (element.contains("timeout_s")) {
    line += fmt::format(" timeout {}", duration_text(number(element, "timeout_s")));
  }
  if (element.contains("expires_s")) {
    line += fmt::format(" expires {}", duration_text(number(element, "expires_s")));
  }
  if (element.contains("comment")) line += fmt::format(" comment \"{}\"", text(element, "comment"));
  return line;
}

}  // namespace

std::string duration_text(std::uint64_t seconds) {
  constexpr std::array<std::pair<std::uint64_t, char>, 4> kUnits = {
      {{86'400, 'd'}, {3'600, 'h'}, {60, 'm'}, {1, 's'}}};
  std::string result;
  for (const auto& [size, unit] : kUnits) {
    if (seconds / size != 0) result += fmt::format("{}{}", seconds / size, unit);
    seconds %= size;
  }
  return result.empty() ? "0s" : result;
}

std::string status_text(const Json& status) {
  std::string lines = fmt::format(
      "{}: filtering since {}, {} XDP, rules generation {}\n", text(status, "interface"),
      duration_text(static_cast<std::uint64_t>(real(status, "uptime_s"))), text(status, "xdp_mode"),
      number(status, "ruleset_generation"));
  lines += load_text(member(status, "load"));
  lines += fmt::format("\n{}\n", queues_text(status));
  lines += fmt::format("  XDP      {}\n", counters_text(member(status, "inline")));
  const std::string inline_reasons = counters_text(member(status, "inline_drop_reasons"));
  if (!inline_reasons.empty()) lines += fmt::format("           dropped by {}\n", inline_reasons);
  const Json& fast_path = member(status, "fast_path");
  if (number(fast_path, "flows") != 0) {
    lines += fmt::format("           fast path: {}\n", counters_text(fast_path));
  }
  const Json& push_down = member(status, "push_down");
  if (number(push_down, "most") != 0) {
    lines += fmt::format("           push-down: {}\n", counters_text(push_down));
  }
  lines += fmt::format("  dropped  {}\n", counters_text(member(status, "drop_reasons")));
  const Json& sets = member(status, "sets");
  const std::size_t width = widest_name(sets);
  const char* label = "sets";
  for (const Json& set : sets) {
    lines += fmt::format("  {:<8} {:<{}}  {}\n", std::exchange(label, ""), text(set, "name"), width,
                         set_size(set));
  }
  const std::string rules = rules_of_status(member(status, "rules"));
  if (!rules.empty()) lines += fmt::format("\n{}", rules);
  return lines;
}

std::string rules_text(const Json& answer) {
  std::string lines = text(answer, "text");
  return lines.empty() ? "there are no rules: every packet that XDP lets through is accepted\n"
                       : lines;
}

std::string sets_text(const Json& answer) {
  const Json& sets = member(answer, "sets");
  if (sets.empty()) {
    return "there are no lists or sets yet; afxfwctl block PREFIX makes a blocklist\n";
  }
  const std::size_t width = widest_name(sets);
  std::string lines;
  for (const Json& set : sets) {
    lines += fmt::format("{:<{}}  {:<24}  {}\n", text(set, "name"), width, text(set, "type"),
                         set_size(set));
  }
  return lines;
}

std::string set_text(const Json& set) {
  std::string lines = fmt::format("set {} {{\n\ttype {}\n", text(set, "name"), text(set, "type"));
  std::string flags;
  for (const Json& each : member(set, "flags")) {
    if (!each.is_string()) continue;
    flags += fmt::format("{}{}", flags.empty() ? "" : ", ", each.get_ref<const std::string&>());
  }
  if (!flags.empty()) lines += fmt::format("\tflags {}\n", flags);
  const Json& elements = member(set, "elements");
  bool first = true;
  for (const Json& element : elements) {
    lines += std::exchange(first, false) ? "\telements = { " : ",\n\t             ";
    lines += element_text(element);
  }
  if (!first) lines += " }\n";
  const Json& removed = member(set, "removed");
  if (!removed.empty()) lines += "\t# of these, taken away at run time:\n";
  for (const Json& element : removed) {
    if (element.is_string()) lines += fmt::format("\t#   {}\n", element.get<std::string>());
  }
  return lines + "}\n";
}

std::string event_text(const Json& event) {
  const double time = real(event, "time");
  return fmt::format("{}  {:<8}  {}\n", local_time(static_cast<std::uint64_t>(time)),
                     text(event, "kind"), text(event, "text"));
}

}  // namespace afxfw
