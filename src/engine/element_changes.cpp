// What LiveRules does with changes to single elements.

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "engine/live_rules.h"

namespace afxfw {
namespace {

constexpr std::uint64_t kMsPerSecond = 1000;
/// Of those that an event names.
constexpr std::size_t kNamedInEvents = 10;

std::optional<ListChange::List> list_named(const std::string& set) {
  if (set == "allowlist") return ListChange::List::kAllow;
  if (set == "blocklist") return ListChange::List::kBlock;
  return std::nullopt;
}

ChangeError invalid(std::string message) {
  return {ChangeError::Kind::kInvalid, std::move(message)};
}

std::string plural(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

bool contains(const AddressTables& tables, const Prefix& prefix, Ipv6Bits address) {
  return prefix.family() == Family::kIpv4 ? tables.ipv4.contains(static_cast<Ipv4Bits>(address))
                                          : tables.ipv6.contains(address);
}

/// Whether an address of the prefix may be in the tables; sure of single addresses.
bool may_intersect(const AddressTables* tables, const Prefix& prefix) {
  if (tables == nullptr) return false;
  if (prefix.length() != address_bits(prefix.family())) return true;
  return contains(*tables, prefix, prefix.first());
}

tl::expected<std::vector<Prefix>, ChangeError> parse_prefixes(
    const std::vector<std::string>& texts) {
  std::vector<Prefix> prefixes;
  prefixes.reserve(texts.size());
  for (const std::string& text : texts) {
    const auto parsed = parse_prefix(text);
    if (!parsed) {
      return tl::unexpected(
          invalid(fmt::format("'{}' is no address or prefix: {}", text, parsed.error().what)));
    }
    prefixes.push_back(parsed->prefix);
  }
  return prefixes;
}

Event event_of(const ElementChange& change, std::size_t count) {
  const std::string time = change.timeout_s ? fmt::format(" for {} s", *change.timeout_s) : "";
  const std::string comment =
      change.comment.empty() ? "" : fmt::format(" (\"{}\")", change.comment);
  std::string named;
  for (std::size_t i = 0; i < std::min(change.elements.size(), kNamedInEvents); ++i) {
    named += (i == 0 ? "" : ", ") + change.elements[i];
  }
  if (change.elements.size() > kNamedInEvents) {
    named += fmt::format(" and {} more", change.elements.size() - kNamedInEvents);
  }
  switch (change.kind) {
    case ElementChange::Kind::kAdd:
      return {"add",
              fmt::format("{} added to {}{}{}: {}, by {}", plural(count, "element"), change.set,
                          time, comment, named, change.by),
              {{"set", change.set}, {"elements", named}, {"by", change.by}}};
    case ElementChange::Kind::kDelete:
      return {"delete",
              fmt::format("{} deleted from {}: {}, by {}", plural(count, "element"), change.set,
                          named, change.by),
              {{"set", change.set}, {"elements", named}, {"by", change.by}}};
    case ElementChange::Kind::kFlush:
      break;
  }
  return {"flush",
          fmt::format("{} emptied by {}", change.set, change.by),
          {{"set", change.set}, {"by", change.by}}};
}

using Keys = std::set<std::vector<nft::Interval>, RunTimeSet::Order>;

template <typename Function>
void for_each_key(const RuleTable* table, const std::string& name, Function function) {
  const nft::Set* set = table == nullptr ? nullptr : table->table.find_set(name);
  if (set == nullptr) return;
  for (const nft::Element& element : set->elements) function(element.key);
  const auto more = table->set_prefixes.find(name);
  if (more == table->set_prefixes.end()) return;
  for (const Prefix& prefix : more->second) {
    function(std::vector<nft::Interval>{{prefix.first(), prefix.last()}});
  }
}

}  // namespace

RunTimeNote LiveRules::note(const ElementChange& change, std::optional<std::uint64_t> timeout_s,
                            const std::string& comment) const {
  RunTimeNote note;
  note.timeout_s = timeout_s ? timeout_s : change.timeout_s;
  if (note.timeout_s) note.expires_ms = now_ms() + *note.timeout_s * kMsPerSecond;
  note.comment = comment.empty() ? change.comment : comment;
  return note;
}

void LiveRules::change(const ElementChange& change, const ChangeDone& done) {
  if (const auto list = list_named(change.set)) return change_list(*list, change, done);
  change_set(change, done);
}

ChangeOutcome LiveRules::apply_to_list(ListChange::List list, const ElementChange& change,
                                       const std::vector<Prefix>& prefixes, RunTimeChanges& changes,
                                       std::vector<ListChange>& made) const {
  ChangedList& changed_list = changes.list(list);
  changed_list.present = true;
  const bool allow = list == ListChange::List::kAllow;
  const AddressTables* files = changed_list.flushed ? nullptr
                               : allow              ? base_.parts.allow.get()
                                                    : base_.parts.block.get();
  const AddressTables* now = allow ? current().allowlist() : current().blocklist();
  const RunTimeNote common = note(change);
  ChangeOutcome outcome;
  std::size_t missing = 0;
  std::size_t allowed = 0;
  for (const Prefix& prefix : prefixes) {
    if (change.kind == ElementChange::Kind::kAdd) {
      if (!allow && current().allowlist() != nullptr &&
          contains(*current().allowlist(), prefix, prefix.first())) {
        ++allowed;
      }
      changed_list.changes.add(prefix, common);
      made.push_back({list, {PrefixChange::Kind::kAdd, prefix}});
      ++outcome.changed;
      continue;
    }
    const auto known = changed_list.changes.entries().find(prefix);
    const bool added = known != changed_list.changes.entries().end() &&
                       known->second.kind == PrefixChange::Kind::kAdd;
    if (!added && !may_intersect(now, prefix)) {
      ++missing;
      continue;
    }
    changed_list.changes.remove(prefix);
    // Nothing to hide: only what was added at run time has gone.
    if (!may_intersect(files, prefix) && !changed_list.changes.is_within_another(prefix)) {
      changed_list.changes.forget(prefix);
    }
    made.push_back({list, {PrefixChange::Kind::kRemove, prefix}});
    ++outcome.changed;
  }
  if (missing != 0) {
    outcome.notes.push_back(fmt::format(
        "{} not in the {}", missing == 1 ? "1 was" : fmt::format("{} were", missing), change.set));
  }
  if (allowed != 0) {
    outcome.notes.push_back(fmt::format("{} on the allowlist, which wins",
                                        allowed == 1 ? "1 is" : fmt::format("{} are", allowed)));
  }
  return outcome;
}

void LiveRules::change_list(ListChange::List list, const ElementChange& change,
                            const ChangeDone& done) {
  const auto prefixes = parse_prefixes(change.elements);
  if (!prefixes) return done(tl::unexpected(prefixes.error()));
  const bool present =
      (list == ListChange::List::kAllow ? current().allowlist() : current().blocklist()) != nullptr;
  if (!present && change.kind != ElementChange::Kind::kAdd) {
    return done(ChangeOutcome{0, {fmt::format("the {} is empty", change.set)}});
  }
  if (!present) {  // the rule has to be made first
    Operation operation{.kind = Operation::Kind::kChange};
    operation.done = done;
    operation.then = [this, list, change, done] { change_list(list, change, done); };
    operation.apply = [list](RunTimeChanges& changes) {
      changes.list(list).present = true;
      return ChangeOutcome{};
    };
    return enqueue(std::move(operation));
  }
  last_list_change_ = Clock::now();
  if (change.kind == ElementChange::Kind::kFlush) {
    ChangedList& changed_list = changes_.list(list);
    changed_list.present = true;
    changed_list.changes.clear();
    changed_list.flushed = true;
    publish_lists();
    report(event_of(change, 0));
    return finish_change({}, done);
  }
  std::vector<ListChange> made;
  ChangeOutcome outcome = apply_to_list(list, change, *prefixes, changes_, made);
  if (running_) since_start_.insert(since_start_.end(), made.begin(), made.end());
  if (!made.empty()) {
    publish(current().with_list_changes(current().generation() + 1, made));
    report(event_of(change, outcome.changed));
    merge_if_due();
  }
  finish_change(std::move(outcome), done);
}

void LiveRules::change_set(const ElementChange& change, const ChangeDone& done) {
  const nft::Set* set =
      current().table() == nullptr ? nullptr : current().table()->table.find_set(change.set);
  if (set == nullptr) {
    return done(tl::unexpected(invalid(fmt::format(
        "the rules have no set '{}'; afxfwctl list sets shows those there are", change.set))));
  }
  if (set->constant) {
    return done(tl::unexpected(invalid(fmt::format(
        "the set {} has flags constant: its elements stay as the rules say", change.set))));
  }
  auto elements = parse_elements_of(*set, change.elements);
  if (!elements) return done(tl::unexpected(invalid(std::move(elements.error()))));
  Operation operation{.kind = Operation::Kind::kChange};
  operation.event = event_of(change, elements->size());
  operation.done = done;
  operation.apply = [this, change, elements = std::move(*elements),
                     type = type_text(*set)](RunTimeChanges& changes) {
    return apply_to_set(change, elements, type, changes);
  };
  enqueue(std::move(operation));
}

ChangeOutcome LiveRules::apply_to_set(const ElementChange& change,
                                      const std::vector<NamedElement>& elements,
                                      const std::string& type, RunTimeChanges& changes) const {
  RunTimeSet& changed_set = changes.sets[change.set];
  if (changed_set.type() != type) changed_set = RunTimeSet(type);
  ChangeOutcome outcome;
  if (change.kind == ElementChange::Kind::kFlush) {
    changed_set.flush();
    return outcome;
  }
  if (change.kind == ElementChange::Kind::kAdd) {
    const RuleTable* table = current().table();
    const nft::Set* set = table == nullptr ? nullptr : table->table.find_set(change.set);
    const auto usual = change.timeout_s || set == nullptr ? change.timeout_s : set->timeout_s;
    for (const NamedElement& element : elements) {
      const auto timeout = element.timeout_s ? element.timeout_s : usual;
      changed_set.add(element.key, note(change, timeout, element.comment));
    }
    outcome.changed = elements.size();
    return outcome;
  }
  Keys wanted;
  Keys added;
  for (const NamedElement& element : elements) wanted.insert(element.key);
  const std::size_t asked = wanted.size();
  for_each_key(current().table(), change.set, [&](const std::vector<nft::Interval>& key) {
    if (wanted.erase(key) == 0) return;
    changed_set.remove(key);
    added.insert(key);
    ++outcome.changed;
  });
  // What only was added at run time leaves nothing to hide.
  for_each_key(base_.parts.table.get(), change.set,
               [&](const std::vector<nft::Interval>& key) { added.erase(key); });
  for (const auto& key : added) changed_set.forget(key);
  if (outcome.changed < asked) {
    outcome.notes.push_back(
        fmt::format("{} of {} were not in the set {}", asked - outcome.changed, asked, change.set));
  }
  return outcome;
}

}  // namespace afxfw
