#include "pipeline/space_saving.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace afxfw {
namespace {

/// Both halves of a product, folded: each bit of a factor changes half of the result's.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  const Ipv6Bits product = Ipv6Bits{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

// Of the digits of pi; any odd numbers without a pattern would do.
constexpr std::uint64_t kFactor1 = 0x243f'6a88'85a3'08d3;
constexpr std::uint64_t kFactor2 = 0x1319'8a2e'0370'7345;

}  // namespace

SpaceSaving::SpaceSaving(std::size_t capacity, std::uint64_t seed)
    : counters_(capacity),
      heap_(capacity),
      places_(capacity),
      buckets_(std::bit_ceil(2 * capacity), kNone),
      next_(capacity, kNone),
      hash_shift_(64U - static_cast<unsigned>(std::countr_zero(buckets_.size()))),
      seed_(seed) {
  assert(capacity >= 1 && capacity <= kMaxCapacity);
}

void SpaceSaving::clear() noexcept {
  std::fill(buckets_.begin(), buckets_.end(), kNone);
  size_ = 0;
  total_ = 0;
}

void SpaceSaving::count(const DroppedSource& source, std::uint64_t packets) noexcept {
  total_ += packets;
  const std::size_t bucket = bucket_of(source);
  const Index known = find(source, bucket);
  if (known != kNone) {
    counters_[known].packets += packets;
    sift_down(places_[known]);
  } else if (size_ < counters_.size()) {
    const auto added = static_cast<Index>(size_++);
    counters_[added] = {source, packets, 0};
    chain(added, bucket);
    put(added, added);
    sift_up(added);
  } else {
    const Index taken = heap_.front();
    unchain(taken);
    Counter& counter = counters_[taken];
    counter.error = counter.packets;
    counter.packets += packets;
    counter.source = source;
    chain(taken, bucket);
    sift_down(0);
  }
}

std::size_t SpaceSaving::bucket_of(const DroppedSource& source) const noexcept {
  const auto low = static_cast<std::uint64_t>(source.address);
  const auto high = static_cast<std::uint64_t>(source.address >> 64U);
  const auto rest =
      static_cast<std::uint64_t>(source.version) << 8U | static_cast<std::uint64_t>(source.reason);
  return mix(mix(low ^ seed_, kFactor1) ^ high, kFactor2 ^ rest ^ seed_) >> hash_shift_;
}

SpaceSaving::Index SpaceSaving::find(const DroppedSource& source,
                                     std::size_t bucket) const noexcept {
  Index counter = buckets_[bucket];
  while (counter != kNone && counters_[counter].source != source) counter = next_[counter];
  return counter;
}

void SpaceSaving::chain(Index counter, std::size_t bucket) noexcept {
  next_[counter] = std::exchange(buckets_[bucket], counter);
}

void SpaceSaving::unchain(Index counter) noexcept {
  Index* link = &buckets_[bucket_of(counters_[counter].source)];
  while (*link != counter) link = &next_[*link];
  *link = next_[counter];
}

void SpaceSaving::put(Index counter, std::size_t place) noexcept {
  heap_[place] = counter;
  places_[counter] = static_cast<Index>(place);
}

void SpaceSaving::sift_down(std::size_t place) noexcept {
  const Index moved = heap_[place];
  const std::uint64_t packets = counters_[moved].packets;
  for (std::size_t child = 2 * place + 1; child < size_; child = 2 * place + 1) {
    const std::size_t other = child + 1;
    if (other < size_ && counters_[heap_[other]].packets < counters_[heap_[child]].packets) {
      child = other;
    }
    if (packets <= counters_[heap_[child]].packets) break;
    put(heap_[child], place);
    place = child;
  }
  put(moved, place);
}

void SpaceSaving::sift_up(std::size_t place) noexcept {
  const Index moved = heap_[place];
  const std::uint64_t packets = counters_[moved].packets;
  while (place != 0) {
    const std::size_t parent = (place - 1) / 2;
    if (counters_[heap_[parent]].packets <= packets) break;
    put(heap_[parent], place);
    place = parent;
  }
  put(moved, place);
}

}  // namespace afxfw
