#include "rules/run_time_changes.h"

#include <algorithm>
#include <utility>

namespace afxfw {

std::optional<std::uint64_t> RunTimeChanges::next_expiry_ms() const noexcept {
  std::optional<std::uint64_t> next;
  const auto consider = [&next](std::optional<std::uint64_t> expiry) {
    if (expiry && (!next || *expiry < *next)) next = expiry;
  };
  consider(allow.changes.next_expiry_ms());
  consider(block.changes.next_expiry_ms());
  for (const auto& [name, set] : sets) consider(set.next_expiry_ms());
  return next;
}

void RunTimeChanges::files_read_again() noexcept {
  allow.flushed = false;
  block.flushed = false;
  for (auto& [name, set] : sets) set.files_read_again();
}

std::shared_ptr<const AddressTables> changed(const std::shared_ptr<const AddressTables>& files,
                                             const ChangedList& list) {
  if (!files && !list.present) return nullptr;
  if (files && !list.flushed && list.changes.empty()) return files;
  const AddressTables nothing;
  const AddressTables& base = files && !list.flushed ? *files : nothing;
  return std::make_shared<const AddressTables>(base.with_changes(list.changes.changes()));
}

std::shared_ptr<const RuleTable> changed(const std::shared_ptr<const RuleTable>& files,
                                         const RunTimeChanges& changes) {
  const auto matters = [&](const auto& each) {
    return !each.second.empty() && files->table.find_set(each.first) != nullptr;
  };
  if (!files || std::none_of(changes.sets.begin(), changes.sets.end(), matters)) return files;
  auto table = std::make_shared<RuleTable>(*files);
  table->origin = files;
  for (nft::Set& set : table->table.sets) {
    const auto found = changes.sets.find(set.name);
    if (found != changes.sets.end()) found->second.apply_to(set, table->set_prefixes[set.name]);
  }
  return table;
}

}  // namespace afxfw
