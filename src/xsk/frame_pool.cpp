#include "xsk/frame_pool.h"

#include <algorithm>
#include <array>

namespace afxfw {

FramePool::FramePool(std::uint32_t frame_count, std::uint32_t frame_size)
    : places_(frame_count, Place::kPool),
      free_(frame_count),
      free_count_(frame_count),
      frame_shift_(std::countr_zero(frame_size)) {
  for (std::uint32_t i = 0; i < frame_count; ++i) {
    free_[i] = std::uint64_t{i} << frame_shift_;
  }
}

void FramePool::take_for_fill(std::span<std::uint64_t> addresses) noexcept {
  free_count_ -= static_cast<std::uint32_t>(addresses.size());
  std::copy_n(free_.begin() + free_count_, addresses.size(), addresses.begin());
  for (const std::uint64_t address : addresses) places_[index(address)] = Place::kReceiving;
  receiving_ += static_cast<std::uint32_t>(addresses.size());
}

bool FramePool::consistent() const noexcept {
  std::array<std::uint32_t, 5> counted{};
  for (const Place place : places_) ++counted[static_cast<std::size_t>(place)];
  const auto of = [&](Place place) { return counted[static_cast<std::size_t>(place)]; };
  return of(Place::kPool) == free_count_ && of(Place::kReceiving) == receiving_ &&
         of(Place::kBatch) == in_batch() && of(Place::kSending) == sending_ &&
         of(Place::kQuarantine) == quarantined_ &&
         std::all_of(free_.begin(), free_.begin() + free_count_, [&](std::uint64_t address) {
           return places_[index(address)] == Place::kPool;
         });
}

}  // namespace afxfw
