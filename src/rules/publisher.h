#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rules/rule_set.h"
#include "util/cache_line.h"

namespace afxfw {

/// Hands the current RuleSet to workers without a lock, and frees an old one once
/// no worker can hold it: quiescent-state-based reclamation (Hart et al.,
/// "Performance of memory reclamation for lockless synchronization", 2007), where
/// a reader's quiescent state is its next acquire().
///
/// Threads: each reader index belongs to one thread at a time, which alone calls
/// acquire() and go_offline() with it (after joining a reader's thread, another
/// may call go_offline() in its stead). Everything else is for one publishing
/// thread, or several that take turns under a lock of theirs.
///
/// Each set comes with an Evaluation for each reader. What readers counted in it
/// is kept, by the rules' handles, when the set is freed.
class RuleSetPublisher {
 public:
  /// What a reader judges packets with.
  struct InForce {
    const RuleSet& rules;
    Evaluation& evaluation;
  };

  /// Readers start offline. initial: not null, generation at least 1.
  RuleSetPublisher(std::size_t reader_count, std::unique_ptr<const RuleSet> initial);
  /// No reader may be using a set any more.
  ~RuleSetPublisher();
  RuleSetPublisher(const RuleSetPublisher&) = delete;
  RuleSetPublisher& operator=(const RuleSetPublisher&) = delete;

  /// The current set, valid until this reader's next acquire() or go_offline().
  /// Call it once a batch. Brings the reader online.
  [[nodiscard]] InForce acquire(std::size_t reader) noexcept {
    std::atomic<std::uint64_t>& seen = slots_[reader].seen;
    // relaxed: no other thread writes it.
    const std::uint64_t previous = seen.load(std::memory_order_relaxed);
    if (previous == kOffline) [[unlikely]]
      return come_online(reader);
    // acquire: pairs with publish(), so that the set's contents are visible.
    // Reading generation() before `seen` names it is safe: until it is stored
    // below, `seen` holds a generation that isn't newer, and reclaim() keeps that
    // one and all after it.
    const Published* published = current_.load(std::memory_order_acquire);
    const std::uint64_t generation = published->rules->generation();
    if (generation != previous) {
      // release: this thread's reads of older sets are done when reclaim() sees
      // the new value. No ordering with the load above is needed: generations only
      // grow, so a late store makes reclaim() keep a set longer, never shorter.
      seen.store(generation, std::memory_order_release);
    }
    return published->of(reader);
  }

  /// Until its next acquire(), this reader holds nothing: before it sleeps for
  /// long and when it ends, or else old sets stay for as long.
  void go_offline(std::size_t reader) noexcept {
    // release: the reads of the set are done when reclaim() sees it.
    slots_[reader].seen.store(kOffline, std::memory_order_release);
  }

  /// Makes next the current set, then does what reclaim() does. Throws
  /// std::invalid_argument unless its generation is higher than the current one's.
  void publish(std::unique_ptr<const RuleSet> next);

  /// Frees the replaced sets that every reader has moved on from, and returns how
  /// many are left. Call it now and then while there are any; never waits.
  std::size_t reclaim();

  /// What was published last, and how many replaced sets are still in memory. For
  /// the publishing thread.
  [[nodiscard]] const RuleSet& current() const noexcept { return *owned_.back()->rules; }
  [[nodiscard]] std::size_t retired() const noexcept { return owned_.size() - 1; }

  /// What the current set's rules have counted, by their index, under all sets that
  /// had them: equal handles are the same rule. For the publishing thread.
  [[nodiscard]] std::vector<RuleCounter> counts() const;
  /// The same of a set's elements, by their text: equal texts are the same element.
  [[nodiscard]] std::map<std::string, RuleCounter> element_counts(const std::string& set) const;
  /// What was counted for rules in other places than evaluations, by handle; never less
  /// than before. Asked by counts() and reset_counts().
  using CountsElsewhere = std::function<std::map<std::uint32_t, RuleCounter>()>;
  void count_elsewhere(CountsElsewhere counts) { elsewhere_ = std::move(counts); }

  /// From now on, counts() and element_counts() tell what came after this.
  void reset_counts();

 private:
  // Values of Slot::seen that are no generation. kJoining is lower than any, so it
  // holds every set back.
  static constexpr std::uint64_t kJoining = 0;
  static constexpr std::uint64_t kOffline = std::numeric_limits<std::uint64_t>::max();

  // Written by its reader only, on a cache line of its own.
  struct alignas(kCacheLine) Slot {
    // The reader holds no set older than this generation.
    std::atomic<std::uint64_t> seen{kOffline};
  };

  struct Published {
    std::unique_ptr<const RuleSet> rules;
    std::vector<std::unique_ptr<Evaluation>> evaluations;  // by reader

    [[nodiscard]] InForce of(std::size_t reader) const noexcept {
      return {*rules, *evaluations[reader]};
    }
  };

  [[nodiscard]] InForce come_online(std::size_t reader) noexcept;
  /// Takes ownership; its rules may be new.
  const Published* add(std::unique_ptr<const RuleSet> rules);
  /// Adds what was counted in a set, by the rules' handles.
  static void add_counts(const Published& published, std::map<std::uint32_t, RuleCounter>& sums);
  static void add_element_counts(const Published& published,
                                 std::map<std::pair<std::string, std::string>, RuleCounter>& sums);

  // Read by every worker in every batch, and written only by publish(): on a line
  // apart from what the publishing thread writes otherwise.
  alignas(kCacheLine) std::atomic<const Published*> current_;
  std::vector<Slot> slots_;

  // Oldest first; the last one is the current set.
  alignas(kCacheLine) std::vector<std::unique_ptr<const Published>> owned_;

  using RuleSums = std::map<std::uint32_t, RuleCounter>;
  using ElementSums = std::map<std::pair<std::string, std::string>, RuleCounter>;
  /// So that elements which come and go leave nothing behind.
  void forget_old_elements();
  [[nodiscard]] RuleSums rule_sums() const;
  [[nodiscard]] ElementSums element_sums() const;

  // By handle; of every rule that was ever published.
  RuleSums past_counts_;
  // By set and text; of the elements that the current set has.
  ElementSums past_element_counts_;
  // What counts were at when they were reset.
  RuleSums counts_at_reset_;
  ElementSums element_counts_at_reset_;
  CountsElsewhere elsewhere_;
};

}  // namespace afxfw
