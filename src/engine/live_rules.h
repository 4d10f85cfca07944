#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "loading/rule_loader.h"
#include "rules/publisher.h"

namespace afxfw {

/// The rules in force and the files that they come from. For one thread but for
/// what readers do with publisher().
class LiveRules {
 public:
  /// Reads the files. Throws Error, also if the rules are for other interfaces.
  [[nodiscard]] static std::unique_ptr<const RuleSet> load(const RuleFiles& files,
                                                           const std::string& interface,
                                                           std::uint64_t generation = 1,
                                                           const RuleSet* previous = nullptr);

  /// rules: what load() returned.
  LiveRules(RuleFiles files, std::string interface, std::unique_ptr<const RuleSet> rules,
            std::size_t readers);

  [[nodiscard]] RuleSetPublisher& publisher() noexcept { return publisher_; }
  [[nodiscard]] const RuleSetPublisher& publisher() const noexcept { return publisher_; }
  [[nodiscard]] const RuleSet& current() const noexcept { return publisher_.current(); }

  /// Reads the files again and publishes. Throws Error; then what was in force stays.
  void reload();

  /// Frees sets that no reader uses any more, and publishes a set without the
  /// elements that have expired. Returns whether it published one. To be called
  /// every second or so.
  bool housekeep();

 private:
  using Clock = std::chrono::steady_clock;

  RuleFiles files_;
  std::string interface_;
  Clock::time_point loaded_at_ = Clock::now();
  RuleSetPublisher publisher_;
};

}  // namespace afxfw
