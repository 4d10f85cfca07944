#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace afxfw {

/// Where every frame of a FrameArea is, and which ones are free.
///
/// A frame is in exactly one place: free in the pool, with the kernel for
/// receiving (fill or RX ring), in the batch that a worker is looking at, with
/// the kernel for sending (TX or completion ring), or in quarantine. Each move
/// is checked against a byte a frame, in release builds too: an address that
/// the kernel must not have handed out (out of range, twice, or while we own
/// the frame) is refused, so that a broken driver costs a counter, not memory.
///
/// Addresses are offsets into the FrameArea and may point anywhere inside a
/// frame; free frames are given out by their first byte. One thread, no locks,
/// no allocation after construction.
class FramePool {
 public:
  /// frame_size: a power of two, bytes.
  FramePool(std::uint32_t frame_count, std::uint32_t frame_size);

  [[nodiscard]] std::uint32_t frame_count() const noexcept {
    return static_cast<std::uint32_t>(places_.size());
  }
  [[nodiscard]] std::uint32_t available() const noexcept { return free_count_; }
  [[nodiscard]] std::uint32_t receiving() const noexcept { return receiving_; }
  [[nodiscard]] std::uint32_t sending() const noexcept { return sending_; }
  [[nodiscard]] std::uint32_t quarantined() const noexcept { return quarantined_; }

  /// Frames that are in none of the places that outlive a batch. Between two
  /// batches this is 0, or a frame has leaked.
  [[nodiscard]] std::uint32_t in_batch() const noexcept {
    return frame_count() - free_count_ - receiving_ - sending_ - quarantined_;
  }

  /// Fills `addresses` from the pool for the fill ring: pool → receiving. Takes
  /// those freed last, which are the warmest, in the order in which they were
  /// freed: frames that go round in the order of their addresses are what the
  /// CPU that fills them fetches ahead. Needs addresses.size() <= available().
  void take_for_fill(std::span<std::uint64_t> addresses) noexcept;

  /// Receiving → batch. False for an address that is not out for receiving:
  /// do not touch the frame; a real one of the wrong place stays where it is.
  [[nodiscard]] bool received(std::uint64_t address) noexcept {
    return move(address, Place::kReceiving, Place::kBatch, receiving_);
  }

  /// Batch → sending.
  void sent(std::uint64_t address) noexcept {
    places_[index(address)] = Place::kSending;
    ++sending_;
  }

  /// Sending → pool. False as for received().
  [[nodiscard]] bool completed(std::uint64_t address) noexcept {
    if (!move(address, Place::kSending, Place::kPool, sending_)) return false;
    push_free(address);
    return true;
  }

  /// Batch → pool.
  void release(std::uint64_t address) noexcept {
    places_[index(address)] = Place::kPool;
    push_free(address);
  }

  /// Batch → quarantine: a frame of ours with a descriptor that lies (a length
  /// that leaves the frame). Never used again.
  void quarantine(std::uint64_t address) noexcept {
    places_[index(address)] = Place::kQuarantine;
    ++quarantined_;
  }

  /// Counts the places one by one, in O(frames), and compares them with the
  /// running counters. For tests.
  [[nodiscard]] bool consistent() const noexcept;

 private:
  enum class Place : std::uint8_t { kPool, kReceiving, kBatch, kSending, kQuarantine };

  [[nodiscard]] std::size_t index(std::uint64_t address) const noexcept {
    return address >> frame_shift_;
  }
  [[nodiscard]] bool move(std::uint64_t address, Place from, Place to,
                          std::uint32_t& count) noexcept {
    const std::size_t frame = index(address);
    if (frame >= places_.size() || places_[frame] != from) [[unlikely]] {
      return false;
    }
    places_[frame] = to;
    --count;
    return true;
  }
  void push_free(std::uint64_t address) noexcept {
    free_[free_count_++] = address >> frame_shift_ << frame_shift_;
  }

  std::vector<Place> places_;
  std::vector<std::uint64_t> free_;  // the first free_count_ of them, last freed last
  std::uint32_t free_count_ = 0;
  std::uint32_t receiving_ = 0;
  std::uint32_t sending_ = 0;
  std::uint32_t quarantined_ = 0;
  int frame_shift_;
};

}  // namespace afxfw
