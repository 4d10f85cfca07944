#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rules/members.h"
#include "util/counter.h"

namespace afxfw {

/// Packets that are judged at once: as many as lists are asked about.
inline constexpr std::size_t kJudgedAtOnce = kAskedAtOnce;

struct RuleCounter {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  ///< Ethernet frames without FCS

  RuleCounter& operator+=(const RuleCounter& other) noexcept {
    packets += other.packets;
    bytes += other.bytes;
    return *this;
  }
  RuleCounter& operator-=(const RuleCounter& other) noexcept {
    packets -= other.packets;
    bytes -= other.bytes;
    return *this;
  }
};

/// The counters of one RuleSet as one worker writes them: a slot for each rule
/// that counts, and for each element that does (RuleSet::counter_slots()).
class RuleCounters {
 public:
  explicit RuleCounters(std::size_t slots) : slots_(slots) {}

  void count(std::uint32_t slot, RuleCounter more) noexcept {
    Slot& counters = slots_[slot];
    counters.packets.add(more.packets);
    counters.bytes.add(more.bytes);
  }
  /// A packet of so many bytes.
  void count(std::uint32_t slot, std::uint64_t bytes) noexcept { count(slot, {1, bytes}); }

  [[nodiscard]] std::size_t slots() const noexcept { return slots_.size(); }
  /// Any thread.
  [[nodiscard]] RuleCounter read(std::size_t slot) const noexcept {
    return {slots_[slot].packets.get(), slots_[slot].bytes.get()};
  }

 private:
  struct Slot {
    Counter packets, bytes;
  };
  std::vector<Slot> slots_;
};

/// A rule said "log" about a packet.
struct LogRequest {
  std::uint16_t packet = 0;  ///< its place in the batch
  std::uint16_t rule = 0;    ///< index into RuleSet::rules()
};

/// What classify() needs besides rules and packets, and what it leaves besides
/// verdicts. One for each worker, used for batch after batch.
struct Evaluation {
  explicit Evaluation(std::size_t counter_slots) : counters(counter_slots) {}

  /// More than these of one batch are lost, and counted.
  static constexpr std::size_t kMaxLogRequests = 256;

  void log(std::uint16_t packet, std::uint16_t rule) noexcept {
    if (log_count == kMaxLogRequests) {
      ++log_lost;
    } else {
      log_requests[log_count++] = {packet, rule};
    }
  }

  /// Says that the verdict about a packet of the batch is not one about its flow: that it
  /// took more than the flow's addresses, protocol and ports, or that a rule counted,
  /// limited or logged on the way. For the packets of is_of_flow().
  void mark_beyond_flow(std::size_t packet) noexcept {
    beyond_flow_[packet / 64 % beyond_flow_.size()] |= std::uint64_t{1} << packet % 64;
  }
  /// Of a batch of more than 256 packets, some are marked without need.
  [[nodiscard]] bool is_beyond_flow(std::size_t packet) const noexcept {
    return (beyond_flow_[packet / 64 % beyond_flow_.size()] >> packet % 64 & 1) != 0;
  }
  /// Before a batch, by whoever asks after it.
  void clear_beyond_flow() noexcept { beyond_flow_ = {}; }

  RuleCounters counters;
  /// When the batch came, by a clock that never goes back; only rules with a limit
  /// ask (RuleSet::needs_time()).
  std::uint64_t now_ns = 0;
  std::array<LogRequest, kMaxLogRequests> log_requests;
  std::size_t log_count = 0;  ///< of this batch: whoever has read them sets it to 0
  std::uint64_t log_lost = 0;

 private:
  std::array<std::uint64_t, 4> beyond_flow_{};
};

}  // namespace afxfw
