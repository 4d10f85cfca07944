#include "rules/token_bucket.h"

#include "net/address.h"

namespace afxfw {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

// What does not fit counts as centuries.
std::int64_t saturated(Ipv6Bits ns) noexcept {
  constexpr std::int64_t kMost = INT64_MAX / 4;
  return ns > static_cast<Ipv6Bits>(kMost) ? kMost : static_cast<std::int64_t>(ns);
}

}  // namespace

TokenBucket::TokenBucket(const nft::LimitStatement& limit) noexcept
    : unit_ns_(limit.unit_s * kNsPerSecond),
      rate_(limit.rate),
      bytes_(limit.bytes),
      over_(limit.over) {
  const Ipv6Bits unit = unit_ns_;
  capacity_ns_ = saturated(limit.bytes ? unit * (limit.rate + limit.burst) / limit.rate
                                       : unit / limit.rate * limit.burst);
  // From a packet a nanosecond on, they cost nothing.
  packet_cost_ns_ = saturated(unit / limit.rate);
}

bool TokenBucket::take(std::uint64_t now_ns, std::uint64_t bytes) noexcept {
  const auto now = static_cast<std::int64_t>(now_ns);
  const std::int64_t cost =
      bytes_ ? saturated(static_cast<Ipv6Bits>(unit_ns_) * bytes / rate_) : packet_cost_ns_;
  // A batch's worth of packets of all workers may come in between; a packet that
  // loses so often exceeds the rate.
  constexpr int kMaxTries = 64;
  std::int64_t empty_at = empty_at_ns_.load(std::memory_order_relaxed);
  for (int i = 0; i < kMaxTries; ++i) {
    const std::int64_t after = std::max(empty_at, now - capacity_ns_) + cost;
    if (after > now) return false;
    // relaxed: the number stands for itself, and publishes nothing.
    if (empty_at_ns_.compare_exchange_weak(empty_at, after, std::memory_order_relaxed)) return true;
  }
  return false;
}

}  // namespace afxfw
