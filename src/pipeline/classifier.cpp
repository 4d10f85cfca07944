#include "pipeline/classifier.h"

#include <algorithm>
#include <array>
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
    sources_[count_] = source;
    positions_[count_++] = static_cast<std::uint16_t>(position);
  }

  void judge(const RuleSet& rules, std::span<const PacketView> packets, std::span<Verdict> verdicts,
             Evaluation& evaluation) noexcept {
    if (count_ == 0) return;
    std::array<Verdict, kJudgedAtOnce> judged;
    rules.judge_by_lists(std::span<const Bits>(sources_.data(), count_), {judged.data(), count_});
    std::size_t undecided = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint16_t position = positions_[i];
      verdicts[position] = judged[i];
      if (judged[i].rule == Verdict::kNoRule) {
        positions_[undecided++] = position;
      } else {
        evaluation.counters.count(judged[i].rule, packets[position].frame_length);
      }
    }
    const RuleProgram* program = rules.program();
    if (program == nullptr || undecided == 0) return;
    program->judge(version_, packets, {positions_.data(), undecided}, verdicts, evaluation);
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
    switch (packet.status) {
      case ParseStatus::kOk:
        if (packet.version == 4) {
          ipv4.add(packet.ipv4_source(), i);
        } else if (is_neighbour_discovery(packet)) {
          link_traffic(i);
        } else {
          ipv6.add(packet.ipv6_source(), i);
        }
        break;
      case ParseStatus::kNotIp:
        link_traffic(i);
        break;
      case ParseStatus::kMalformed:
        verdicts[i] = Verdict{Action::kDrop, DropReason::kMalformed, Verdict::kNoRule};
        break;
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

}  // namespace afxfw
