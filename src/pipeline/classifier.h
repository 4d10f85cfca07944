#pragma once

#include <cstddef>
#include <span>

#include "net/packet_view.h"
#include "rules/evaluation.h"
#include "rules/rule_set.h"
#include "rules/verdict.h"

namespace afxfw {

/// What the rules say about each packet of a batch; verdicts: as many as packets.
/// Malformed packets are dropped. What keeps a host on its link (ARP and all else
/// that is not IP, IPv6 neighbour discovery) is accepted, unless a rule names it.
/// evaluation: made for as many slots as `rules` has; rules count there, and leave
/// what they want logged.
void classify(const RuleSet& rules, std::span<const PacketView> packets,
              std::span<Verdict> verdicts, Evaluation& evaluation) noexcept;

/// After classify(), with Evaluation::clear_beyond_flow() before it: whether the verdict about the
/// batch's packet of this number holds for all packets of its flow, and no rule counts, limits or
/// logs any of them. For packets of flows, see is_of_flow().
[[nodiscard]] bool is_about_flow(const RuleSet& rules, std::size_t packet, const Verdict& verdict,
                                 const Evaluation& evaluation) noexcept;

}  // namespace afxfw
