#include "rules/run_time_list.h"

#include <algorithm>

namespace afxfw {

bool RunTimeList::Order::operator()(const Prefix& a, const Prefix& b) const noexcept {
  if (a.family() != b.family()) return a.family() < b.family();
  if (a.first() != b.first()) return a.first() < b.first();
  return a.length() < b.length();
}

void RunTimeList::add(const Prefix& prefix, RunTimeNote note) {
  // What is in it comes back when it is over.
  if (!note.expires_ms) forget_inside(prefix);
  put(prefix, PrefixChange::Kind::kAdd, std::move(note));
}

void RunTimeList::remove(const Prefix& prefix) {
  forget_inside(prefix);
  put(prefix, PrefixChange::Kind::kRemove, {});
}

void RunTimeList::forget(const Prefix& prefix) {
  if (const auto found = entries_.find(prefix); found != entries_.end()) erase(found);
}

void RunTimeList::clear() {
  entries_.clear();
  expiries_.clear();
  lengths_ = {};
  added_ = 0;
}

void RunTimeList::put(const Prefix& prefix, PrefixChange::Kind kind, RunTimeNote note) {
  forget(prefix);
  ++with_length(prefix);
  if (kind == PrefixChange::Kind::kAdd) ++added_;
  if (note.expires_ms) expiries_.emplace(*note.expires_ms, prefix);
  entries_.emplace(prefix, Entry{kind, std::move(note), next_sequence_++});
}

std::map<Prefix, RunTimeList::Entry, RunTimeList::Order>::iterator RunTimeList::erase(
    std::map<Prefix, Entry, Order>::iterator entry) {
  const auto& [prefix, value] = *entry;
  --with_length(prefix);
  if (value.kind == PrefixChange::Kind::kAdd) --added_;
  if (value.note.expires_ms) expiries_.erase({*value.note.expires_ms, prefix});
  return entries_.erase(entry);
}

void RunTimeList::forget_inside(const Prefix& prefix) {
  auto entry = entries_.lower_bound(prefix);
  // Prefixes with the same first address come shortest first, those that are longer
  // than this one behind it.
  while (entry != entries_.end() && entry->first.family() == prefix.family() &&
         entry->first.first() <= prefix.last()) {
    entry = erase(entry);
  }
}

std::vector<Prefix> RunTimeList::expire(std::uint64_t now_ms) {
  std::vector<Prefix> expired;
  while (!expiries_.empty() && expiries_.begin()->first <= now_ms) {
    expired.push_back(expiries_.begin()->second);
    erase(entries_.find(expired.back()));
  }
  return expired;
}

std::optional<std::uint64_t> RunTimeList::next_expiry_ms() const noexcept {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

bool RunTimeList::is_within_another(const Prefix& prefix) const {
  const auto& lengths = lengths_[prefix.family() == Family::kIpv4 ? 0 : 1];
  for (unsigned length = 0; length < prefix.length(); ++length) {
    if (lengths[length] == 0) continue;
    const Prefix wider = prefix.family() == Family::kIpv4
                             ? Prefix::ipv4(static_cast<Ipv4Bits>(prefix.first()), length)
                             : Prefix::ipv6(prefix.first(), length);
    if (entries_.contains(wider)) return true;
  }
  return false;
}

std::vector<PrefixChange> RunTimeList::changes() const {
  std::vector<std::pair<std::uint64_t, PrefixChange>> numbered;
  numbered.reserve(entries_.size());
  for (const auto& [prefix, entry] : entries_) {
    numbered.push_back({entry.sequence, {entry.kind, prefix}});
  }
  std::sort(numbered.begin(), numbered.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<PrefixChange> changes;
  changes.reserve(numbered.size());
  for (const auto& [sequence, change] : numbered) changes.push_back(change);
  return changes;
}

}  // namespace afxfw
