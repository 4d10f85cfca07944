#include "pipeline/inline_summary.h"

namespace afxfw {

namespace {

afxfw_counter operator+(const afxfw_counter& a, const afxfw_counter& b) {
  return {a.packets + b.packets, a.bytes + b.bytes};
}

}  // namespace

InlineSummary summarise(std::span<const afxfw_counter, AFXFW_OUTCOME_COUNT> counters,
                        std::uint32_t fallback) {
  InlineSummary summary;
  summary.pass = counters[AFXFW_PASS_NOT_IP] + counters[AFXFW_PASS_NEIGHBOUR];
  summary.drop = counters[AFXFW_DROP_PROTOCOL] + counters[AFXFW_DROP_PORT];
  summary.new_flows = counters[AFXFW_REDIRECT_NEW_FLOW];
  summary.redirect = counters[AFXFW_REDIRECT] + summary.new_flows;
  summary.fallback = counters[AFXFW_FALLBACK];
  summary.malformed = counters[AFXFW_DROP_MALFORMED];
  summary.fast_path = counters[AFXFW_PASS_FLOW];
  summary.push_down = counters[AFXFW_DROP_PUSHED_IPV4] + counters[AFXFW_DROP_PUSHED_IPV6];
  summary.drop_reasons = {
      {{"protocol", counters[AFXFW_DROP_PROTOCOL]}, {"port", counters[AFXFW_DROP_PORT]}}};
  const bool fallback_passes = fallback == AFXFW_FALLBACK_PASS;
  const afxfw_counter none{};
  summary.actions = {
      {{"ABORTED", counters[AFXFW_ABORTED]},
       {"DROP", summary.drop + summary.malformed + summary.push_down +
                    (fallback_passes ? none : summary.fallback)},
       {"PASS", summary.pass + summary.fast_path + (fallback_passes ? summary.fallback : none)},
       {"TX", none},  // the program never sends a packet back
       {"REDIRECT", summary.redirect}}};
  return summary;
}

}  // namespace afxfw
