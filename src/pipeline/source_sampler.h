#pragma once

#include <cstdint>
#include <span>

#include "net/packet_view.h"
#include "pipeline/space_saving.h"
#include "rules/verdict.h"

namespace afxfw {

/// Counts who sends what is dropped by lists, rules and policy, of samples, so that it costs
/// next to nothing when there is much to do:
///   - of full batches, one packet of each kOneIn in a row, at a random place among them, counts
///     for kOneIn if it was dropped;
///   - of batches of fewer than kSmallBatch, which a worker finds when it has time, each packet.
/// Each dropped packet counts for 1 on average, so that a source's sum is right on average
/// wherever its packets are in a batch. Of t packets, the sum is off by chance: its standard
/// deviation is at most sqrt(kOneIn * t), which is 8 sqrt(t), and 2.5 % of 100,000.
///
/// For one thread.
class SourceSampler {
 public:
  static constexpr std::uint32_t kOneIn = 64;
  static constexpr std::size_t kSmallBatch = 16;

  explicit SourceSampler(std::uint64_t seed) noexcept
      : random_(seed), place_(choose()), next_(place_) {}

  /// A batch: packets and what was decided about them. Adds to the sketch.
  void count(std::span<const PacketView> packets, std::span<const Verdict> verdicts,
             SpaceSaving& sketch) noexcept {
    if (packets.size() < kSmallBatch) {
      for (std::size_t i = 0; i < packets.size(); ++i) add(packets[i], verdicts[i], 1, sketch);
      return;
    }
    std::uint32_t position = next_;
    while (position < packets.size()) {
      add(packets[position], verdicts[position], kOneIn, sketch);
      position += kOneIn - place_;
      place_ = choose();
      position += place_;
    }
    next_ = position - static_cast<std::uint32_t>(packets.size());
  }

 private:
  static void add(const PacketView& packet, Verdict verdict, std::uint32_t weight,
                  SpaceSaving& sketch) noexcept {
    // An accepted packet's reason is kNone. What isn't IP has no source.
    if (verdict.reason == DropReason::kNone || !packet.ok()) return;
    add_dropped(packet, verdict.reason, weight, sketch);
  }
  static void add_dropped(const PacketView& packet, DropReason reason, std::uint32_t weight,
                          SpaceSaving& sketch) noexcept;

  /// A packet among the next kOneIn: the upper bits of a linear congruential generator
  /// (D. E. Knuth's MMIX).
  [[nodiscard]] std::uint32_t choose() noexcept {
    random_ = random_ * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    static_assert(kOneIn == 1U << (64U - 58U));
    return static_cast<std::uint32_t>(random_ >> 58U);
  }

  std::uint64_t random_;
  std::uint32_t place_;  // of the chosen packet in its stretch
  std::uint32_t next_;   // packets before it
};

}  // namespace afxfw
