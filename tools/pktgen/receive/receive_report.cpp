#include "pktgen/receive/receive_report.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "net/protocol_name.h"
#include "util/json.h"

namespace afxfw::pktgen {

namespace {

constexpr std::array<std::pair<const char*, double>, 4> kPercentiles = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}};

std::string_view name(ReceiveEnd end) {
  switch (end) {
    case ReceiveEnd::kCount:
      return "count";
    case ReceiveEnd::kDuration:
      return "duration";
    case ReceiveEnd::kIdle:
      return "idle";
    case ReceiveEnd::kSignal:
      break;
  }
  return "signal";
}

/// One flow's figures.
struct FlowLine {
  std::uint64_t flow = 0;
  std::uint64_t lost = 0;
  FlowArrivals arrivals;

  /// Worst first, then by number.
  [[nodiscard]] auto order() const {
    const FlowTally& tally = arrivals.tally;
    return std::tuple(~lost, ~tally.reordered(), ~tally.duplicated(), flow);
  }
};

/// What the flows' tallies add up to.
struct Totals {
  std::uint64_t flows = 0;    ///< of which something came
  std::uint64_t missing = 0;  ///< of which nothing came
  std::uint64_t lost = 0;
  std::uint64_t reordered = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t too_late = 0;
  std::uint64_t flows_with_loss = 0;
  std::uint64_t flows_with_reordering = 0;
  std::uint64_t flows_with_duplicates = 0;
  double seconds = 0;  ///< from the first packet to the latest
  double packets_per_second = 0;
  std::vector<FlowLine> worst;
};

Totals add_up(const ReceiveOptions& options, const ReceiveResult& result) {
  const Arrivals& arrivals = result.arrivals;
  const std::uint64_t known =
      std::max<std::uint64_t>(arrivals.flows().size(), options.flows.value_or(0));
  const bool knows_shares = options.flows && options.count;
  Totals totals;
  std::vector<FlowLine> lines;
  lines.reserve(known);
  for (std::uint64_t flow = 0; flow < known; ++flow) {
    FlowLine line;
    line.flow = flow;
    if (flow < arrivals.flows().size()) line.arrivals = arrivals.flows()[flow];
    const FlowTally& tally = line.arrivals.tally;
    const bool has_share = knows_shares && flow < *options.flows;
    line.lost = tally.lost(has_share ? sent_of_flow(*options.count, *options.flows, flow) : 0);
    totals.lost += line.lost;
    totals.reordered += tally.reordered();
    totals.duplicated += tally.duplicated();
    totals.too_late += tally.too_late();
    (tally.received() == 0 ? totals.missing : totals.flows) += 1;
    totals.flows_with_loss += line.lost != 0 ? 1 : 0;
    totals.flows_with_reordering += tally.reordered() != 0 ? 1 : 0;
    totals.flows_with_duplicates += tally.duplicated() != 0 ? 1 : 0;
    lines.push_back(line);
  }
  // Without the number of flows, whole flows may be missing that nothing points to.
  if (options.count && *options.count > arrivals.distinct()) {
    totals.lost = std::max(totals.lost, *options.count - arrivals.distinct());
  }
  const auto listed = std::min<std::size_t>(lines.size(), options.listed_flows);
  std::partial_sort(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(listed), lines.end(),
                    [](const FlowLine& a, const FlowLine& b) { return a.order() < b.order(); });
  lines.resize(listed);
  totals.worst = std::move(lines);
  totals.seconds = static_cast<double>(arrivals.latest_ns() - arrivals.first_ns()) / 1e9;
  // Of N packets, N - 1 times lie between the first and the last.
  if (totals.seconds > 0) {
    totals.packets_per_second = static_cast<double>(arrivals.received() - 1) / totals.seconds;
  }
  return totals;
}

std::string address_text(const Endpoints& endpoints, const std::array<std::byte, 16>& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(endpoints.version == 6 ? AF_INET6 : AF_INET, address.data(), text.data(), text.size());
  return text.data();
}

Json flow_json(const FlowLine& line) {
  const FlowTally& tally = line.arrivals.tally;
  Json json = {{"flow", line.flow},
               {"received", tally.received()},
               {"lost", line.lost},
               {"reordered", tally.reordered()},
               {"duplicated", tally.duplicated()},
               {"too_late", tally.too_late()}};
  // Of a flow that did not come, only the sender knows more.
  if (const Endpoints& endpoints = line.arrivals.endpoints; endpoints.version != 0) {
    json["protocol"] = protocol_name(endpoints.protocol);
    json["source"] = address_text(endpoints, endpoints.source);
    json["destination"] = address_text(endpoints, endpoints.destination);
    json["source_port"] = endpoints.source_port;
    json["destination_port"] = endpoints.destination_port;
  }
  return json;
}

Json latency_json(const Arrivals& arrivals) {
  const LatencyHistogram& latency = arrivals.latency();
  Json json = {{"count", latency.count()}, {"min", latency.min()}, {"mean", latency.mean()}};
  for (const auto& [key, share] : kPercentiles) json[key] = latency.percentile(share);
  json["max"] = latency.max();
  json["negative"] = arrivals.negative_latencies();
  return json;
}

std::string flow_text(const FlowLine& line) {
  const Endpoints& endpoints = line.arrivals.endpoints;
  const FlowTally& tally = line.arrivals.tally;
  const std::string who =
      endpoints.version == 0
          ? "(nothing came)"
          : fmt::format("{} {} port {} to {} port {}", protocol_name(endpoints.protocol),
                        address_text(endpoints, endpoints.source), endpoints.source_port,
                        address_text(endpoints, endpoints.destination), endpoints.destination_port);
  return fmt::format("  flow {}: {} lost, {} reordered, {} duplicated of {} received, {}\n",
                     line.flow, line.lost, tally.reordered(), tally.duplicated(), tally.received(),
                     who);
}

}  // namespace

std::string format_text(const ReceiveOptions& options, const ReceiveResult& result) {
  const Totals totals = add_up(options, result);
  const Arrivals& arrivals = result.arrivals;
  std::string text = fmt::format(
      "interface  {}\n"
      "received   {} packets, {} bytes, of {} flows; ended by: {}\n"
      "lost       {} in {} flows, {} of which did not come at all\n"
      "reordered  {} in {} flows\n"
      "duplicated {} in {} flows\n"
      "rate       {:.0f} packets/s for {:.6f} s\n",
      options.interface, arrivals.received(), arrivals.bytes(), totals.flows, name(result.end),
      totals.lost, totals.flows_with_loss, totals.missing, totals.reordered,
      totals.flows_with_reordering, totals.duplicated, totals.flows_with_duplicates,
      totals.packets_per_second, totals.seconds);
  const LatencyHistogram& latency = arrivals.latency();
  text += fmt::format("latency    min {:.1f} µs", static_cast<double>(latency.min()) / 1e3);
  for (const auto& [key, share] : kPercentiles) {
    text += fmt::format(", {} {:.1f}", key, static_cast<double>(latency.percentile(share)) / 1e3);
  }
  text += fmt::format(", max {:.1f}\n", static_cast<double>(latency.max()) / 1e3);
  for (const auto& [count, what] :
       {std::pair(totals.too_late, "too late to tell a duplicate from a reordered packet"),
        std::pair(result.foreign, "IP packets without a stamp"),
        std::pair(arrivals.other_runs(), "packets of other runs than the first packet's"),
        std::pair(arrivals.negative_latencies(), "stamped later than they arrived")}) {
    if (count != 0) text += fmt::format("also       {} {}\n", count, what);
  }
  for (const FlowLine& line : totals.worst) {
    const FlowTally& tally = line.arrivals.tally;
    if (line.lost + tally.reordered() + tally.duplicated() != 0) text += flow_text(line);
  }
  return text;
}

std::string format_json(const ReceiveOptions& options, const ReceiveResult& result) {
  const Totals totals = add_up(options, result);
  const Arrivals& arrivals = result.arrivals;
  Json json = {
      {"interface", options.interface},
      {"end", name(result.end)},
      {"received", arrivals.received()},
      {"bytes", arrivals.bytes()},
      {"distinct", arrivals.distinct()},
      {"lost", totals.lost},
      {"reordered", totals.reordered},
      {"duplicated", totals.duplicated},
      {"too_late", totals.too_late},
      {"foreign", result.foreign},
      {"other_runs", arrivals.other_runs()},
      {"receiver_dropped", result.receiver_dropped},
      {"duration_s", totals.seconds},
      {"pps", totals.packets_per_second},
      {"latency_ns", latency_json(arrivals)},
      {"flows",
       {{"seen", totals.flows},
        {"missing", totals.missing},
        {"with_loss", totals.flows_with_loss},
        {"with_reordering", totals.flows_with_reordering},
        {"with_duplicates", totals.flows_with_duplicates}}},
      {"worst_flows", Json::array()},
  };
  for (const FlowLine& line : totals.worst) json["worst_flows"].push_back(flow_json(line));
  return json_text(json) + "\n";
}

}  // namespace afxfw::pktgen
