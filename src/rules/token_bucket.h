#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "rules/nft_ast.h"
#include "util/cache_line.h"

namespace afxfw {

/// nftables' "limit rate", exactly (linux net/netfilter/nft_limit.c): a bucket of
/// nanoseconds that fills as time passes, from which each packet takes what it
/// costs at the given rate. One bucket for all workers. Lock-free: what it holds
/// is kept as the time at which it was, or would have been, empty.
class alignas(kCacheLine) TokenBucket {
 public:
  explicit TokenBucket(const nft::LimitStatement& limit) noexcept;

  /// Whether the statement matches a packet of `bytes` (as "meta length" counts
  /// them) at `now_ns`. Any thread; the clock is the same for all.
  [[nodiscard]] bool matches(std::uint64_t now_ns, std::uint64_t bytes) noexcept {
    return take(now_ns, bytes) != over_;
  }

 private:
  [[nodiscard]] bool take(std::uint64_t now_ns, std::uint64_t bytes) noexcept;

  // Before any time: the first packet finds a full bucket.
  static constexpr std::int64_t kNever = INT64_MIN / 2;

  std::atomic<std::int64_t> empty_at_ns_{kNever};
  std::int64_t capacity_ns_;
  std::int64_t packet_cost_ns_;  // if packets are counted
  std::uint64_t unit_ns_;
  std::uint64_t rate_;
  bool bytes_;  // are counted
  bool over_;
};

}  // namespace afxfw
