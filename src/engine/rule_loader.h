#pragma once

#include "engine/options.h"
#include "rules/rule_set.h"

namespace afxfw {

/// Reads the list files that `options` names and compiles them. Throws Error
/// (kUsage) for a file that cannot be read and for bad lines, all of them in
/// one text; logs what --skip-bad-lines left out.
[[nodiscard]] std::unique_ptr<const RuleSet> load_rules(const EngineOptions& options,
                                                        std::uint64_t generation);

}  // namespace afxfw
