#include "worker/source_windows.h"

#include <cassert>
#include <random>

namespace afxfw {
namespace {

std::uint64_t random_seed() {
  std::random_device random;
  return std::uint64_t{random()} << 32U | random();
}

}  // namespace

SourceWindows::SourceWindows()
    : sketches_{SpaceSaving(kCounters, random_seed()), SpaceSaving(kCounters, random_seed())},
      sampler_(random_seed()) {}

void SourceWindows::begin_window() noexcept {
  ++begun_;
  sketches_[begun_ % 2].clear();
  // Release: the window before is whole.
  published_.store(begun_, std::memory_order_release);
}

void SourceWindows::ask() noexcept {
  // Relaxed: only this thread writes it.
  const std::uint32_t asked = asked_.load(std::memory_order_relaxed);
  assert(asked == published_.load(std::memory_order_relaxed));
  // Release: this thread has read what it wanted of the window that the worker clears now.
  asked_.store(asked + 1, std::memory_order_release);
}

const SpaceSaving* SourceWindows::finished() const noexcept {
  const std::uint32_t asked = asked_.load(std::memory_order_relaxed);
  // Acquire: with the number comes all that was counted before.
  if (asked == 0 || published_.load(std::memory_order_acquire) != asked) return nullptr;
  return &sketches_[(asked - 1) % 2];
}

}  // namespace afxfw
