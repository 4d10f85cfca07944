#include "pktgen/receive/flow_tally.h"

#include <algorithm>

namespace afxfw::pktgen {

std::uint64_t FlowTally::unwrap(std::uint32_t sequence) const noexcept {
  const std::uint32_t ahead = sequence - static_cast<std::uint32_t>(next_);
  const bool is_past = ahead >= 0x8000'0000U;
  const std::uint64_t back = 0x1'0000'0000ULL - ahead;
  return is_past && back <= next_ ? next_ - back : next_ + ahead;
}

void FlowTally::advance_to(std::uint64_t number) noexcept {
  if (number - next_ >= kWindow) {
    came_.reset();
  } else {
    for (std::uint64_t skipped = next_; skipped < number; ++skipped) came_.reset(skipped % kWindow);
  }
  came_.set(number % kWindow);
  next_ = number + 1;
}

void FlowTally::add(std::uint32_t sequence) noexcept {
  const std::uint64_t number = unwrap(sequence);
  ++received_;
  if (number >= next_) {
    advance_to(number);
    ++distinct_;
  } else if (next_ - number > kWindow) {
    ++too_late_;
  } else if (came_.test(number % kWindow)) {
    ++duplicated_;
  } else {
    came_.set(number % kWindow);
    ++distinct_;
    ++reordered_;
  }
}

std::uint64_t FlowTally::lost(std::uint64_t sent) const noexcept {
  return std::max(sent, next_) - distinct_;
}

}  // namespace afxfw::pktgen
