#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "loading/rule_loader.h"
#include "rules/rule_set.h"
#include "rules/run_time_changes.h"

namespace afxfw {

/// What the files said when they were read.
struct RuleBase {
  RuleFiles files;
  RuleSet::Parts parts{};  ///< without what was changed at run time
  std::chrono::steady_clock::time_point loaded_at{};
};

/// Changes that make so many separate runs of addresses are merged into the tables:
/// a change costs as much as there are, some milliseconds for so many.
inline constexpr std::size_t kMergeRuns = 16'384;

/// Work that takes long, on copies of what it needs, so that any thread can do it.
struct RuleRebuild {
  RuleBase base;
  bool read_files = false;  ///< first, into base
  RunTimeChanges changes{};
  std::string interface {};
  std::unique_ptr<const RuleSet> previous{};

  /// The rules of base with the changes, of the generation after previous's. Throws
  /// Error, also if the rules are for other interfaces.
  [[nodiscard]] std::unique_ptr<const RuleSet> run();
};

/// Reads and compiles files that nothing has changed yet; what RuleRebuild does at first.
[[nodiscard]] std::unique_ptr<const RuleSet> load_rules_for(const RuleFiles& files,
                                                            const std::string& interface);

}  // namespace afxfw
