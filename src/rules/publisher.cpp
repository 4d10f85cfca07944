#include "rules/publisher.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace afxfw {

RuleSetPublisher::RuleSetPublisher(std::size_t reader_count, std::unique_ptr<const RuleSet> initial)
    : current_(initial.get()), slots_(reader_count) {
  if (!initial || initial->generation() == kJoining) {
    throw std::invalid_argument("a publisher's first rule set needs a generation from 1");
  }
  owned_.push_back(std::move(initial));
}

RuleSetPublisher::~RuleSetPublisher() = default;

const RuleSet& RuleSetPublisher::come_online(std::atomic<std::uint64_t>& seen) noexcept {
  // The danger: reclaim() reads kOffline and frees a replaced set that this reader
  // loads meanwhile. The four seq_cst operations (here: store, then load; there:
  // store in publish(), then load in reclaim()) rule it out: they have one order
  // that all threads agree on. If reclaim() still read kOffline, its load comes
  // before the store here, hence publish()'s store before the load here, which
  // then yields the new set or a later one. On x86 only the store costs anything.
  seen.store(kJoining, std::memory_order_seq_cst);
  const RuleSet* rules = current_.load(std::memory_order_seq_cst);
  // release: as in acquire().
  seen.store(rules->generation(), std::memory_order_release);
  return *rules;
}

void RuleSetPublisher::publish(std::unique_ptr<const RuleSet> next) {
  if (!next || next->generation() <= current().generation() || next->generation() == kOffline) {
    throw std::invalid_argument("a rule set needs a higher generation than the one it replaces");
  }
  const RuleSet* rules = next.get();
  owned_.push_back(std::move(next));
  // Includes a release, for the set's contents; seq_cst: see come_online().
  current_.store(rules, std::memory_order_seq_cst);
  reclaim();
}

std::size_t RuleSetPublisher::reclaim() noexcept {
  std::uint64_t oldest_in_use = current().generation();
  for (const Slot& slot : slots_) {
    // Includes an acquire: what the reader did with older sets has happened before
    // they are freed. seq_cst: see come_online().
    oldest_in_use = std::min(oldest_in_use, slot.seen.load(std::memory_order_seq_cst));
  }
  const auto first_kept = std::find_if(owned_.begin(), owned_.end(), [&](const auto& rules) {
    return rules->generation() >= oldest_in_use;
  });
  owned_.erase(owned_.begin(), first_kept);
  return retired();
}

}  // namespace afxfw
