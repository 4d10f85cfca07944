#include "pipeline/classifier.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>

namespace afxfw {
namespace {

/// The packets of one family in a batch: their source addresses, which the lists
/// are asked about at once, and where each packet is in the batch.
template <typename Bits>
class OneFamily {
 public:
  explicit OneFamily(unsigned version) noexcept : version_(version) {}

  void add(Bits source, std::size_t position) noexcept {
    const std::size_t place = count_++;
    sources_[place] = source;
    positions_[place] = static_cast<std::uint16_t>(position);
  }

  void judge(const RuleSet& rules, std::span<const PacketView> packets, std::span<Verdict> verdicts,
             Evaluation& evaluation) noexcept {
    if (count_ == 0) return;
    const ListHits hits = rules.find_in_lists(std::span<const Bits>(sources_.data(), count_));
    const auto decide = [&](Members found, const CountedVerdict& decision) {
      if (found == 0) return;
      RuleCounter counted;
      for (Members rest = found; rest != 0; rest &= rest - 1) {
        const std::uint16_t position = positions_[first_of(rest)];
        verdicts[position] = decision.verdict;
        counted += {1, packets[position].frame_length};
      }
      evaluation.counters.count(decision.slot, counted);
    };
    decide(hits.allowed, rules.on_allowed(version_));
    decide(hits.blocked, rules.on_blocked(version_));

    std::size_t undecided = 0;
    for (Members rest = first_members(count_) & ~(hits.allowed | hits.blocked); rest != 0;
         rest &= rest - 1) {
      positions_[undecided++] = positions_[first_of(rest)];
    }
    const std::span<const std::uint16_t> left(positions_.data(), undecided);
    if (const RuleProgram* program = rules.program()) {
      program->judge(version_, packets, left, verdicts, evaluation);
    } else {
      for (const std::uint16_t position : left) verdicts[position] = Verdict{};
    }
  }

 private:
  unsigned version_;
  std::array<Bits, kJudgedAtOnce> sources_;
  std::array<std::uint16_t, kJudgedAtOnce> positions_;
  std::size_t count_ = 0;
};

void classify_batch(const RuleSet& rules, std::span<const PacketView> packets, std::size_t first,
                    std::size_t count, std::span<Verdict> verdicts,
                    Evaluation& evaluation) noexcept {
  OneFamily<Ipv4Bits> ipv4(4);
  OneFamily<Ipv6Bits> ipv6(6);
  const RuleProgram* program = rules.program();
  const auto link_traffic = [&](std::size_t i) {
    verdicts[i] = program == nullptr ? Verdict{}
                                     : program->judge_link_traffic(
                                           packets[i], static_cast<std::uint16_t>(i), evaluation);
  };
  for (std::size_t i = first; i < first + count; ++i) {
    const PacketView& packet = packets[i];
    if (packet.status == ParseStatus::kMalformed) [[unlikely]] {
      verdicts[i] = Verdict{Action::kDrop, DropReason::kMalformed, Verdict::kNoRule};
    } else if (packet.status == ParseStatus::kNotIp) [[unlikely]] {
      link_traffic(i);
    } else if (packet.version == 4) {
      ipv4.add(packet.ipv4_source(), i);
    } else if (is_neighbour_discovery(packet)) {
      link_traffic(i);
    } else {
      ipv6.add(packet.ipv6_source(), i);
    }
  }
  ipv4.judge(rules, packets, verdicts, evaluation);
  ipv6.judge(rules, packets, verdicts, evaluation);
}

}  // namespace

void classify(const RuleSet& rules, std::span<const PacketView> packets,
              std::span<Verdict> verdicts, Evaluation& evaluation) noexcept {
  assert(packets.size() == verdicts.size());
  for (std::size_t done = 0; done < packets.size(); done += kJudgedAtOnce) {
    const std::size_t count = std::min(kJudgedAtOnce, packets.size() - done);
    classify_batch(rules, packets, done, count, verdicts, evaluation);
  }
}

bool is_about_flow(const RuleSet& rules, std::size_t packet, const Verdict& verdict,
                   const Evaluation& evaluation) noexcept {
  // The rule that decided is asked here, so that judging need not mark each packet it counts.
  return !evaluation.is_beyond_flow(packet) &&
         (verdict.rule == Verdict::kNoRule || rules.rules()[verdict.rule].slot == kNoSlot);
}

}  // namespace afxfw
