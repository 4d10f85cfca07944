#pragma once

#include <string>

#include "engine/snapshot.h"

namespace afxfw {

/// For a person: rates between two snapshots and totals since the start, per
/// queue and in sum, what XDP did inline, what the kernel dropped. Several
/// lines, each with its newline.
[[nodiscard]] std::string interval_table(const Snapshot& before, const Snapshot& now);

/// The same at the end, totals only, with the rules' counters.
[[nodiscard]] std::string summary_table(const Snapshot& now);

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);

/// A rate with three digits and a unit: "1.23 M", "45.6 k", "789".
[[nodiscard]] std::string scaled(double rate);

}  // namespace afxfw
