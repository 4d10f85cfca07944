#pragma once

#include <span>

#include "net/packet_view.h"
#include "rules/rule_set.h"
#include "rules/verdict.h"

namespace afxfw {

/// What the rules say about each packet of a batch; verdicts: as many as packets.
/// Malformed packets are dropped. What is not IP is accepted: ARP and the like
/// keep a host on its link.
void classify(const RuleSet& rules, std::span<const PacketView> packets,
              std::span<Verdict> verdicts) noexcept;

}  // namespace afxfw
