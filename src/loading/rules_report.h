#pragma once

#include <string>

#include "rules/rule_set.h"

namespace afxfw {

/// For a person who checks rules: what they are, in one form, with their handles;
/// how large, and how long they took to load. Sets are shown up to some elements.
/// Whole lines.
[[nodiscard]] std::string rules_report(const RuleSet& rules, double load_seconds);

}  // namespace afxfw
