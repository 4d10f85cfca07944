#include "control/stats_json.h"

#include "control/listing_json.h"
#include "pipeline/inline_summary.h"

namespace afxfw {

namespace {

/// What a queue and the total have in common.
Json counters_json(const WorkerCounters& counters) {
  return {{"received", counters.received}, {"accepted", counters.accepted},
          {"dropped", counters.dropped},   {"reinjected", counters.reinjected},
          {"tx_full", counters.tx_full},   {"bytes", counters.bytes}};
}

Json rates_json(const QueueRates& rates) {
  return {{"received", rates.received},
          {"accepted", rates.accepted},
          {"dropped", rates.dropped},
          {"reinjected", rates.reinjected},
          {"bits", rates.bits}};
}

Json queue_json(const QueueSnapshot& queue) {
  Json json = {{"queue", queue.queue_id},
               {"cpu", queue.cpu},
               {"zero_copy", queue.setup.zero_copy},
               {"reinject_zero_copy", queue.setup.reinject_zero_copy},
               {"reinject_shares_umem", queue.setup.reinject_shares_umem},
               {"huge_pages", queue.setup.pages == PageKind::kHugeTlb}};
  json.update(counters_json(queue.counters));
  json["checksums_finished"] = queue.counters.checksums_finished;
  json["bad_descriptors"] = queue.counters.bad_descriptors;
  json["frames_unaccounted"] = queue.counters.frames_unaccounted;
  json["sleeps"] = queue.counters.sleeps;
  json["rates"] = rates_json(queue.rates);
  json["kernel"] = {{"rx_dropped", queue.kernel.rx_dropped},
                    {"rx_ring_full", queue.kernel.rx_ring_full},
                    {"rx_fill_ring_empty", queue.kernel.rx_fill_ring_empty_descs},
                    {"rx_invalid", queue.kernel.rx_invalid_descs},
                    {"tx_invalid", queue.kernel.tx_invalid_descs}};
  return json;
}

Json inline_json(const InlineSummary& summary) {
  Json json = {{"pass", summary.pass.packets},           {"drop", summary.drop.packets},
               {"redirect", summary.redirect.packets},   {"fallback", summary.fallback.packets},
               {"malformed", summary.malformed.packets}, {"fast_path", summary.fast_path.packets},
               {"push_down", summary.push_down.packets}};
  json["bytes"] = {{"pass", summary.pass.bytes},           {"drop", summary.drop.bytes},
                   {"redirect", summary.redirect.bytes},   {"fallback", summary.fallback.bytes},
                   {"malformed", summary.malformed.bytes}, {"fast_path", summary.fast_path.bytes},
                   {"push_down", summary.push_down.bytes}};
  return json;
}

}  // namespace

Json status_json(const Snapshot& snapshot) {
  const Totals totals = total(snapshot);
  const InlineSummary summary = summarise(snapshot.inline_counters, snapshot.fallback);
  Json json = {{"interface", snapshot.interface},
               {"xdp_mode", name(snapshot.xdp_mode)},
               {"xdp_dispatcher", snapshot.in_dispatcher},
               {"uptime_s", snapshot.uptime_s},
               {"ruleset_generation", snapshot.ruleset_generation},
               {"inline", inline_json(summary)}};
  for (const NamedCounter& reason : summary.drop_reasons) {
    json["inline_drop_reasons"][reason.name] = reason.counter.packets;
  }
  for (const NamedCounter& action : summary.actions) {
    json["xdp_actions"][action.name] = {{"packets", action.counter.packets},
                                        {"bytes", action.counter.bytes}};
  }
  json["fast_path"] = {{"flows", snapshot.fast_path_flows},
                       {"hits", summary.fast_path.packets},
                       {"misses", summary.new_flows.packets},
                       {"added", totals.counters.flows_added},
                       {"failed", totals.counters.flows_failed}};
  json["push_down"] = {{"most", snapshot.push_down_most},
                       {"sources", snapshot.push_down_sources},
                       {"packets", summary.push_down.packets},
                       {"bytes", summary.push_down.bytes}};
  json["queues"] = Json::array();
  for (const QueueSnapshot& queue : snapshot.queues) json["queues"].push_back(queue_json(queue));
  json["total"] = counters_json(totals.counters);
  json["total"]["kernel_drops"] = totals.kernel_drops;
  json["total"]["rates"] = rates_json(totals.rates);
  for (std::size_t i = 1; i < kDropReasonCount; ++i) {  // 0 is no reason
    json["drop_reasons"][std::string(kDropReasonNames[i])] = totals.counters.drop_reasons[i];
  }
  json["rules"] = Json::array();
  for (const RuleSnapshot& rule : snapshot.rules) {
    Json entry = {{"handle", rule.rule.handle},
                  {"chain", rule.rule.chain},
                  {"text", rule.rule.text},
                  {"packets", nullptr},
                  {"bytes", nullptr}};
    if (rule.rule.slot != kNoSlot) {
      entry["packets"] = rule.counter.packets;
      entry["bytes"] = rule.counter.bytes;
    }
    json["rules"].push_back(std::move(entry));
  }
  json["sets"] = sets_json(snapshot.sets);
  json["load"] = load_json(snapshot.load);
  json["packet_log"] = {{"lines", snapshot.log_lines}, {"suppressed", snapshot.log_suppressed}};
  return json;
}

std::string to_json(const Snapshot& snapshot) { return json_text(status_json(snapshot)); }

}  // namespace afxfw
