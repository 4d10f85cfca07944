#include "rules/publisher.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace afxfw {

RuleSetPublisher::RuleSetPublisher(std::size_t reader_count, std::unique_ptr<const RuleSet> initial)
    : current_(nullptr), slots_(reader_count) {
  if (!initial || initial->generation() == kJoining) {
    throw std::invalid_argument("a publisher's first rule set needs a generation from 1");
  }
  // relaxed: no reader is there yet.
  current_.store(add(std::move(initial)), std::memory_order_relaxed);
}

RuleSetPublisher::~RuleSetPublisher() = default;

const RuleSetPublisher::Published* RuleSetPublisher::add(std::unique_ptr<const RuleSet> rules) {
  auto published = std::make_unique<Published>();
  for (std::size_t reader = 0; reader < slots_.size(); ++reader) {
    published->evaluations.push_back(std::make_unique<Evaluation>(rules->counter_slots()));
  }
  for (const Rule& rule : rules->rules()) past_counts_.emplace(rule.handle, rule.initial);
  published->rules = std::move(rules);
  owned_.push_back(std::move(published));
  return owned_.back().get();
}

RuleSetPublisher::InForce RuleSetPublisher::come_online(std::size_t reader) noexcept {
  std::atomic<std::uint64_t>& seen = slots_[reader].seen;
  // The danger: reclaim() reads kOffline and frees a replaced set that this reader
  // loads meanwhile. The four seq_cst operations (here: store, then load; there:
  // store in publish(), then load in reclaim()) rule it out: they have one order
  // that all threads agree on. If reclaim() still read kOffline, its load comes
  // before the store here, hence publish()'s store before the load here, which
  // then yields the new set or a later one. On x86 only the store costs anything.
  seen.store(kJoining, std::memory_order_seq_cst);
  const Published* published = current_.load(std::memory_order_seq_cst);
  // release: as in acquire().
  seen.store(published->rules->generation(), std::memory_order_release);
  return published->of(reader);
}

void RuleSetPublisher::publish(std::unique_ptr<const RuleSet> next) {
  if (!next || next->generation() <= current().generation() || next->generation() == kOffline) {
    throw std::invalid_argument("a rule set needs a higher generation than the one it replaces");
  }
  // Includes a release, for the set's contents; seq_cst: see come_online().
  current_.store(add(std::move(next)), std::memory_order_seq_cst);
  reclaim();
}

std::size_t RuleSetPublisher::reclaim() {
  std::uint64_t oldest_in_use = current().generation();
  for (const Slot& slot : slots_) {
    // Includes an acquire: what the reader did with older sets has happened before
    // they are freed. seq_cst: see come_online().
    oldest_in_use = std::min(oldest_in_use, slot.seen.load(std::memory_order_seq_cst));
  }
  const auto first_kept = std::find_if(owned_.begin(), owned_.end(), [&](const auto& published) {
    return published->rules->generation() >= oldest_in_use;
  });
  std::for_each(owned_.begin(), first_kept, [&](const auto& each) {
    add_counts(*each, past_counts_);
    add_element_counts(*each, past_element_counts_);
  });
  const bool freed = first_kept != owned_.begin();
  owned_.erase(owned_.begin(), first_kept);
  if (freed) forget_old_elements();
  return retired();
}

void RuleSetPublisher::add_counts(const Published& published,
                                  std::map<std::uint32_t, RuleCounter>& sums) {
  for (const Rule& rule : published.rules->rules()) {
    if (rule.slot == kNoSlot) continue;
    RuleCounter& sum = sums[rule.handle];
    for (const auto& evaluation : published.evaluations) {
      sum += evaluation->counters.read(rule.slot);
    }
  }
}

void RuleSetPublisher::forget_old_elements() {
  if (past_element_counts_.empty()) return;
  std::set<std::pair<std::string, std::string>> kept;
  for (CountedElement& element : current().counted_elements()) {
    kept.emplace(std::move(element.set), std::move(element.text));
  }
  const auto is_old = [&kept](const auto& each) { return !kept.contains(each.first); };
  std::erase_if(past_element_counts_, is_old);
  std::erase_if(element_counts_at_reset_, is_old);
}

void RuleSetPublisher::add_element_counts(const Published& published, ElementSums& sums) {
  for (const CountedElement& element : published.rules->counted_elements()) {
    RuleCounter& sum = sums[{element.set, element.text}];
    for (const auto& evaluation : published.evaluations) {
      sum += evaluation->counters.read(element.slot);
    }
  }
}

RuleSetPublisher::RuleSums RuleSetPublisher::rule_sums() const {
  RuleSums sums = past_counts_;
  for (const auto& published : owned_) add_counts(*published, sums);
  if (elsewhere_) {
    for (const auto& [handle, count] : elsewhere_()) sums[handle] += count;
  }
  return sums;
}

RuleSetPublisher::ElementSums RuleSetPublisher::element_sums() const {
  ElementSums sums = past_element_counts_;
  for (const auto& published : owned_) add_element_counts(*published, sums);
  return sums;
}

void RuleSetPublisher::reset_counts() {
  counts_at_reset_ = rule_sums();
  element_counts_at_reset_ = element_sums();
}

std::map<std::string, RuleCounter> RuleSetPublisher::element_counts(const std::string& set) const {
  std::map<std::string, RuleCounter> counts;
  for (const auto& [element, sum] : element_sums()) {
    if (element.first != set) continue;
    RuleCounter& count = counts[element.second] = sum;
    const auto reset = element_counts_at_reset_.find(element);
    if (reset != element_counts_at_reset_.end()) count -= reset->second;
  }
  return counts;
}

std::vector<RuleCounter> RuleSetPublisher::counts() const {
  RuleSums sums = rule_sums();
  for (const auto& [handle, count] : counts_at_reset_) sums[handle] -= count;
  std::vector<RuleCounter> counts;
  counts.reserve(current().rules().size());
  for (const Rule& rule : current().rules()) counts.push_back(sums[rule.handle]);
  return counts;
}

}  // namespace afxfw
