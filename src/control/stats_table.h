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

}  // namespace afxfw
