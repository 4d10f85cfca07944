#pragma once

#include <string>

#include "replay/judge.h"
#include "replay/result.h"

namespace afxfw {

/// For a person: the captures, then what became of their packets, by whom and
/// why, then the rules. Several lines, each with its newline.
[[nodiscard]] std::string report_table(const ReplayResult& result, const Filter& filter);

/// One line of JSON, without a newline. What afxfw's statistics have too has the
/// same names; names are stable, new ones may be added.
[[nodiscard]] std::string report_json(const ReplayResult& result, const Filter& filter);

}  // namespace afxfw
