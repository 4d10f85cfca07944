#pragma once

#include <string>

#include "pktgen/options.h"
#include "pktgen/run.h"
#include "pktgen/traffic_plan.h"
#include "pktgen/transmission.h"

namespace afxfw::pktgen {

/// What there is to say about a finished run.
struct Report {
  const Options& options;
  const TrafficPlan& plan;
  const Transmission& transmission;
  const RunResult& result;
};

/// A few lines for people; with a newline at the end.
[[nodiscard]] std::string format_text(const Report& report);

/// One JSON object on one line, with a newline at the end. Rates are of Ethernet
/// frames without FCS, preamble and gap.
[[nodiscard]] std::string format_json(const Report& report);

}  // namespace afxfw::pktgen
