#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
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
class RuleSetPublisher {
 public:
  /// Readers start offline. initial: not null, generation at least 1.
  RuleSetPublisher(std::size_t reader_count, std::unique_ptr<const RuleSet> initial);
  /// No reader may be using a set any more.
  ~RuleSetPublisher();
  RuleSetPublisher(const RuleSetPublisher&) = delete;
  RuleSetPublisher& operator=(const RuleSetPublisher&) = delete;

  /// The current set, valid until this reader's next acquire() or go_offline().
  /// Call it once a batch. Brings the reader online.
  [[nodiscard]] const RuleSet& acquire(std::size_t reader) noexcept {
    std::atomic<std::uint64_t>& seen = slots_[reader].seen;
    // relaxed: no other thread writes it.
    const std::uint64_t previous = seen.load(std::memory_order_relaxed);
    if (previous == kOffline) [[unlikely]]
      return come_online(seen);
    // acquire: pairs with publish(), so that the set's contents are visible.
    // Reading generation() before `seen` names it is safe: until it is stored
    // below, `seen` holds a generation that isn't newer, and reclaim() keeps that
    // one and all after it.
    const RuleSet* rules = current_.load(std::memory_order_acquire);
    const std::uint64_t generation = rules->generation();
    if (generation != previous) {
      // release: this thread's reads of older sets are done when reclaim() sees
      // the new value. No ordering with the load above is needed: generations only
      // grow, so a late store makes reclaim() keep a set longer, never shorter.
      seen.store(generation, std::memory_order_release);
    }
    return *rules;
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
  std::size_t reclaim() noexcept;

  /// What was published last, and how many replaced sets are still in memory. For
  /// the publishing thread.
  [[nodiscard]] const RuleSet& current() const noexcept { return *owned_.back(); }
  [[nodiscard]] std::size_t retired() const noexcept { return owned_.size() - 1; }

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

  [[nodiscard]] const RuleSet& come_online(std::atomic<std::uint64_t>& seen) noexcept;

  // Read by every worker in every batch, and written only by publish(): on a line
  // apart from what the publishing thread writes otherwise.
  alignas(kCacheLine) std::atomic<const RuleSet*> current_;
  std::vector<Slot> slots_;

  // Oldest first; the last one is the current set.
  alignas(kCacheLine) std::vector<std::unique_ptr<const RuleSet>> owned_;
};

}  // namespace afxfw
