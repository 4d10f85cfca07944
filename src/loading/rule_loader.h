#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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
  std::optional<std::string> rules;
  /// Lists for sets of the rules: "NAME=FILE".
  std::vector<std::string> set_lists;
};

/// Reads the files and compiles them. Throws Error (kUsage) for a file that
/// cannot be read and for bad lines, all of them in one text; logs what
/// skip_bad_lines left out. previous: the rules that these will replace.
[[nodiscard]] std::unique_ptr<const RuleSet> load_rules(const RuleFiles& files,
                                                        std::uint64_t generation,
                                                        const RuleSet* previous = nullptr);

/// The same without compiling: see RuleSet::build().
[[nodiscard]] RuleSet::Parts load_parts(const RuleFiles& files);

/// RuleSet::build(). Throws Error (kUsage) for what cannot be compiled.
[[nodiscard]] std::unique_ptr<const RuleSet> build_rules(std::uint64_t generation,
                                                         const RuleSet::Parts& parts);

}  // namespace afxfw
