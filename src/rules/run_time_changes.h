#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "rules/rule_set.h"
#include "rules/run_time_list.h"
#include "rules/run_time_set.h"

namespace afxfw {

/// A list with what was changed at run time.
struct ChangedList {
  RunTimeList changes{};
  /// There is a rule for the list, also if no file was given for it and nothing is
  /// left in it.
  bool present = false;
  /// What its files say is left out until they are read again.
  bool flushed = false;
};

/// Everything that was changed at run time, on top of what the files say.
struct RunTimeChanges {
  ChangedList allow{};
  ChangedList block{};
  std::map<std::string, RunTimeSet, std::less<>> sets{};

  [[nodiscard]] ChangedList& list(ListChange::List which) noexcept {
    return which == ListChange::List::kAllow ? allow : block;
  }
  [[nodiscard]] const ChangedList& list(ListChange::List which) const noexcept {
    return which == ListChange::List::kAllow ? allow : block;
  }
  /// When the next element is over, see RunTimeNote.
  [[nodiscard]] std::optional<std::uint64_t> next_expiry_ms() const noexcept;
  /// What was flushed comes back with the files.
  void files_read_again() noexcept;
};

/// The list that the files' one (null: none was given) is with the changes; null if
/// there is none. A few changes are an overlay, see AddressSet.
[[nodiscard]] std::shared_ptr<const AddressTables> changed(
    const std::shared_ptr<const AddressTables>& files, const ChangedList& list);

/// The table with the changes of its sets; the same one if there are none.
[[nodiscard]] std::shared_ptr<const RuleTable> changed(
    const std::shared_ptr<const RuleTable>& files, const RunTimeChanges& changes);

}  // namespace afxfw
