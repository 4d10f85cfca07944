#include "pipeline/classifier.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>

namespace afxfw {
namespace {

/// The packets of one family in a batch: their source addresses, which the rules
/// are asked about at once, and where each packet is in the batch.
template <typename Bits>
class OneFamily {
 public:
  void add(Bits source, std::size_t position) noexcept {
    sources_[count_] = source;
    positions_[count_++] = position;
  }

  void judge(const RuleSet& rules, std::span<Verdict> verdicts) const noexcept {
    if (count_ == 0) return;
    std::array<Verdict, kJudgedAtOnce> judged;
    rules.judge(std::span(sources_.data(), count_), {judged.data(), count_});
    for (std::size_t i = 0; i < count_; ++i) verdicts[positions_[i]] = judged[i];
  }

 private:
  std::array<Bits, kJudgedAtOnce> sources_;
  std::array<std::size_t, kJudgedAtOnce> positions_;
  std::size_t count_ = 0;
};

void classify_batch(const RuleSet& rules, std::span<const PacketView> packets,
                    std::span<Verdict> verdicts) noexcept {
  OneFamily<Ipv4Bits> ipv4;
  OneFamily<Ipv6Bits> ipv6;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const PacketView& packet = packets[i];
    switch (packet.status) {
      case ParseStatus::kOk:
        if (packet.version == 4) {
          ipv4.add(packet.ipv4_source(), i);
        } else {
          ipv6.add(packet.ipv6_source(), i);
        }
        break;
      case ParseStatus::kNotIp:
        verdicts[i] = Verdict{};
        break;
      case ParseStatus::kMalformed:
        verdicts[i] = Verdict{Action::kDrop, DropReason::kMalformed, Verdict::kNoRule};
        break;
    }
  }
  ipv4.judge(rules, verdicts);
  ipv6.judge(rules, verdicts);
}

}  // namespace

void classify(const RuleSet& rules, std::span<const PacketView> packets,
              std::span<Verdict> verdicts) noexcept {
  assert(packets.size() == verdicts.size());
  for (std::size_t done = 0; done < packets.size(); done += kJudgedAtOnce) {
    const std::size_t count = std::min(kJudgedAtOnce, packets.size() - done);
    classify_batch(rules, packets.subspan(done, count), verdicts.subspan(done, count));
  }
}

}  // namespace afxfw
