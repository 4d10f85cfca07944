#include "pipeline/classifier.h"

#include <cassert>
#include <cstddef>

namespace afxfw {
namespace {

Verdict classify_one(const RuleSet& rules, const PacketView& packet) noexcept {
  switch (packet.status) {
    case ParseStatus::kOk:
      return packet.version == 4 ? rules.verdict(packet.ipv4_source())
                                 : rules.verdict(packet.ipv6_source());
    case ParseStatus::kNotIp:
      return Verdict{};
    case ParseStatus::kMalformed:
      break;
  }
  return Verdict{Action::kDrop, DropReason::kMalformed, Verdict::kNoRule};
}

}  // namespace

void classify(const RuleSet& rules, std::span<const PacketView> packets,
              std::span<Verdict> verdicts) noexcept {
  assert(packets.size() == verdicts.size());
  // A pass of its own: the tables' cache misses of the whole batch overlap.
  for (const PacketView& packet : packets) {
    if (!packet.ok()) continue;
    if (packet.version == 4) {
      rules.prefetch(packet.ipv4_source());
    } else {
      rules.prefetch(packet.ipv6_source());
    }
  }
  for (std::size_t i = 0; i < packets.size(); ++i) verdicts[i] = classify_one(rules, packets[i]);
}

}  // namespace afxfw
