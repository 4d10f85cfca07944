#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rules/rule_set.h"

namespace afxfw {

/// The files that rules are made from, as the options of every program that
/// judges packets name them.
struct RuleFiles {
  std::vector<std::string> allowlists;
  std::vector<std::string> blocklists;
  bool skip_bad_lines = false;  ///< see ListOptions
};

/// Reads the files and compiles them. Throws Error (kUsage) for a file that
/// cannot be read and for bad lines, all of them in one text; logs what
/// skip_bad_lines left out.
[[nodiscard]] std::unique_ptr<const RuleSet> load_rules(const RuleFiles& files,
                                                        std::uint64_t generation);

}  // namespace afxfw
