#pragma once

#include <string>
#include <string_view>

#include "engine/snapshot.h"

namespace afxfw {

/// The Content-Type of metrics_text().
inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// Statistics in Prometheus's text format
/// (https://prometheus.io/docs/instrumenting/exposition_formats/): every metric
/// with HELP and TYPE, counters named ..._total, the interface as a label of each
/// sample. Names and labels are stable; new ones may be added.
[[nodiscard]] std::string metrics_text(const Snapshot& snapshot, std::string_view version);

}  // namespace afxfw
