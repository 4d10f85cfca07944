#pragma once

#include <string>

#include "engine/options.h"
#include "engine/plan.h"
#include "rules/rule_set.h"

namespace afxfw {

/// A few lines for a person on what is, or would be, filtered and how; no
/// newline at the end.
[[nodiscard]] std::string describe(const Plan& plan, const EngineOptions& options,
                                   const RuleSet& rules);

}  // namespace afxfw
