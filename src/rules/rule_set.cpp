#include "rules/rule_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <variant>

#include "afxfw_abi.h"
#include "rules/nft_listing.h"
#include "rules/rule_compiler.h"

namespace afxfw {
namespace {

/// What tells a rule from others of its set over reloads, with how many equal
/// ones stand before it.
using RuleKey = std::pair<std::string, std::size_t>;

class RuleKeys {
 public:
  RuleKey next(const Rule& rule) {
    std::string text = fmt::format("{}\n{}\n{}", rule.chain, rule.text, rule.comment);
    const std::size_t before = seen_[text]++;
    return {std::move(text), before};
  }

 private:
  std::map<std::string, std::size_t> seen_;
};

Rule describe(const nft::Chain& chain, const nft::RuleText& text) {
  Rule rule;
  rule.chain = chain.name;
  rule.comment = text.comment;
  rule.text = nft::to_text(text);
  for (const nft::Statement& statement : text.statements) {
    if (const auto* counter = std::get_if<nft::CounterStatement>(&statement)) {
      rule.initial = {counter->packets, counter->bytes};
    } else if (const auto* log = std::get_if<nft::LogStatement>(&statement)) {
      rule.log_prefix = log->prefix;
    }
  }
  return rule;
}

template <typename Kind>
bool contains(const nft::RuleText& text) {
  return std::any_of(text.statements.begin(), text.statements.end(),
                     [](const auto& statement) { return std::holds_alternative<Kind>(statement); });
}

}  // namespace

tl::expected<std::unique_ptr<const RuleSet>, TextErrors> RuleSet::build(std::uint64_t generation,
                                                                        const Parts& parts) {
  std::unique_ptr<RuleSet> set(new RuleSet(generation, parts));
  if (TextErrors errors = set->compile_table(parts.age_s); !errors.empty()) {
    return tl::unexpected(std::move(errors));
  }
  return set;
}

RuleSet::RuleSet(std::uint64_t generation, const Parts& parts)
    : parts_(parts), generation_(generation) {
  parts_.previous = nullptr;
  // Also if there are no rules this time: those to come are others than those before.
  if (parts.previous != nullptr) next_handle_ = parts.previous->next_handle_;
  if (parts.allow) {
    on_allow_ = add_list_rules(1, "@allowlist accept",
                               {Action::kAccept, DropReason::kNone, Verdict::kNoRule});
  }
  if (parts.block) {
    on_block_ = add_list_rules(3, "@blocklist drop",
                               {Action::kDrop, DropReason::kBlocklist, Verdict::kNoRule});
  }
  if (parts.table) add_table_rules(parts.previous);
}

std::uint16_t RuleSet::add_rule(Rule rule) {
  assert(rules_.size() < Verdict::kNoRule);
  rules_.push_back(std::move(rule));
  return static_cast<std::uint16_t>(rules_.size() - 1);
}

std::uint32_t RuleSet::add_slots(std::size_t count) noexcept {
  const auto first = static_cast<std::uint32_t>(counter_slots_);
  counter_slots_ += count;
  return first;
}

RuleSet::ListDecisions RuleSet::add_list_rules(std::uint32_t handle, std::string_view list,
                                               Verdict verdict) {
  const auto add = [&](std::uint32_t rule_handle, std::string_view match) -> CountedVerdict {
    const std::uint32_t slot = add_slots(1);
    verdict.rule =
        add_rule({.handle = rule_handle, .text = fmt::format("{} {}", match, list), .slot = slot});
    return {verdict, slot};
  };
  const CountedVerdict ipv4 = add(handle, "ip saddr");
  return {ipv4, add(handle + 1, "ip6 saddr")};
}

void RuleSet::add_table_rules(const RuleSet* previous) {
  std::map<RuleKey, std::uint32_t> known;
  if (previous != nullptr) {
    RuleKeys keys;
    for (const Rule& rule : previous->rules_) known[keys.next(rule)] = rule.handle;
  }
  first_table_rule_ = rules_.size();
  RuleKeys keys;
  for (const nft::Chain& chain : parts_.table->table.chains) {
    for (const nft::RuleText& text : chain.rules) {
      Rule rule = describe(chain, text);
      const auto found = known.find(keys.next(rule));
      rule.handle = found != known.end() ? found->second : next_handle_++;
      if (contains<nft::CounterStatement>(text)) rule.slot = add_slots(1);
      logs_ = logs_ || contains<nft::LogStatement>(text);
      static_cast<void>(add_rule(std::move(rule)));
    }
  }
  for (const nft::Set& set : parts_.table->table.sets) {
    if (!set.counters) continue;
    const auto more = parts_.table->set_prefixes.find(set.name);
    const std::size_t prefixes = more == parts_.table->set_prefixes.end() ? 0 : more->second.size();
    element_slots_[&set] = add_slots(set.elements.size() + prefixes);
  }
}

TextErrors RuleSet::compile_table(std::uint64_t age_s) {
  if (!parts_.table) return {};
  const nft::Table& table = parts_.table->table;
  std::vector<std::size_t> first_rule;  // of each chain
  std::size_t next = first_table_rule_;
  for (const nft::Chain& chain : table.chains) {
    first_rule.push_back(next);
    next += chain.rules.size();
  }
  CompilerInput input;
  input.age_s = age_s;
  input.numbers = [&](std::size_t chain, std::size_t rule) -> RuleNumbers {
    const std::size_t index = first_rule[chain] + rule;
    return {static_cast<std::uint16_t>(index), rules_[index].slot};
  };
  input.element_slots = [&](const nft::Set& set) { return element_slots_.at(&set); };
  input.prefixes = [&](const nft::Set& set) -> std::span<const Prefix> {
    const auto found = parts_.table->set_prefixes.find(set.name);
    if (found == parts_.table->set_prefixes.end()) return {};
    return found->second;
  };
  auto program = compile_rules(table, input);
  if (!program) return std::move(program.error());
  program_ = std::make_shared<const RuleProgram>(std::move(*program));
  find_next_expiry(age_s);
  return {};
}

void RuleSet::find_next_expiry(std::uint64_t age_s) noexcept {
  for (const nft::Set& set : parts_.table->table.sets) {
    if (!set.timeouts) continue;
    for (const nft::Element& element : set.elements) {
      const auto expiry = expiry_s(set, element);
      if (expiry && *expiry > age_s && (!next_expiry_s_ || *expiry < *next_expiry_s_)) {
        next_expiry_s_ = expiry;
      }
    }
  }
}

std::unique_ptr<const RuleSet> RuleSet::aged(std::uint64_t generation, std::uint64_t age_s) const {
  Parts parts = parts_;
  parts.previous = this;
  parts.age_s = age_s;
  auto set = build(generation, parts);
  // It was compiled before, from more elements.
  assert(set);
  return std::move(*set);
}

std::unique_ptr<const RuleSet> RuleSet::with_list_changes(
    std::uint64_t generation, std::span<const ListChange> changes) const {
  std::unique_ptr<RuleSet> set(new RuleSet(*this));
  set->generation_ = generation;
  const auto change = [&](ListChange::List list, std::shared_ptr<const AddressTables>& tables) {
    std::vector<PrefixChange> own;
    for (const ListChange& of : changes) {
      if (of.list == list) own.push_back(of.change);
    }
    if (own.empty()) return true;
    if (!tables) return false;
    tables = std::make_shared<const AddressTables>(tables->with_changes(own));
    return true;
  };
  const bool changed = change(ListChange::List::kAllow, set->parts_.allow) &&
                       change(ListChange::List::kBlock, set->parts_.block);
  if (!changed) return nullptr;
  return set;
}

std::unique_ptr<const RuleSet> RuleSet::with_merged_lists(std::uint64_t generation) const {
  std::unique_ptr<RuleSet> set(new RuleSet(*this));
  set->generation_ = generation;
  for (auto* tables : {&set->parts_.allow, &set->parts_.block}) {
    if (*tables) *tables = std::make_shared<const AddressTables>((*tables)->merged());
  }
  return set;
}

std::unique_ptr<const RuleSet> RuleSet::with_lists(
    std::uint64_t generation, std::shared_ptr<const AddressTables> allow,
    std::shared_ptr<const AddressTables> block) const {
  std::unique_ptr<RuleSet> set(new RuleSet(*this));
  set->generation_ = generation;
  if (parts_.allow) set->parts_.allow = std::move(allow);
  if (parts_.block) set->parts_.block = std::move(block);
  return set;
}

template <typename Bits>
ListHits RuleSet::find_in_lists(std::span<const Bits> sources) const noexcept {
  const auto members = [&](const AddressTables* tables) -> Members {
    if (tables == nullptr) return 0;
    const auto& set = tables->of<Bits>();
    return set.empty() ? 0 : set.members(sources);
  };
  const Members allowed = members(parts_.allow.get());
  return {allowed, members(parts_.block.get()) & ~allowed};
}

template ListHits RuleSet::find_in_lists(std::span<const Ipv4Bits> sources) const noexcept;
template ListHits RuleSet::find_in_lists(std::span<const Ipv6Bits> sources) const noexcept;

std::vector<CountedElement> RuleSet::counted_elements() const {
  std::vector<CountedElement> result;
  for (const auto& [set, first_slot] : element_slots_) {
    std::uint32_t slot = first_slot;
    for (const nft::Element& element : set->elements) {
      result.push_back({set->name, nft::to_text(*set, element), slot++});
    }
    const auto more = parts_.table->set_prefixes.find(set->name);
    if (more == parts_.table->set_prefixes.end()) continue;
    for (const Prefix& prefix : more->second) {
      result.push_back({set->name, to_string(prefix), slot++});
    }
  }
  return result;
}

std::uint32_t RuleSet::link_traffic() const noexcept {
  if (!program_) return 0;
  std::uint32_t named = 0;
  if (program_->names_not_ip()) named |= AFXFW_LINK_NOT_IP;
  if (program_->names_neighbour_discovery()) named |= AFXFW_LINK_NEIGHBOUR;
  return named;
}

std::size_t RuleSet::memory_bytes() const noexcept {
  std::size_t bytes = program_ ? program_->memory_bytes() : 0;
  if (parts_.allow) bytes += parts_.allow->memory_bytes();
  if (parts_.block) bytes += parts_.block->memory_bytes();
  return bytes;
}

}  // namespace afxfw
