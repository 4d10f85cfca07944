#pragma once

#include <cstddef>

#include "afxfw_abi.h"
#include "net/packet_view.h"
#include "rules/rule_set.h"
#include "rules/verdict.h"

namespace afxfw {

/// Everything that judges packets. Refers to both, which must outlive it.
struct Filter {
  const RuleSet& rules;
  const afxfw_inline_policy& policy;
};

/// What becomes of one packet, and who said so.
struct Decision {
  enum class Kind { kAccepted, kDropped, kNotJudged };

  /// kNotJudged: the capture cut the packet off before the end of its headers.
  Kind kind = Kind::kNotJudged;
  /// Of the XDP stage. Unless it is AFXFW_REDIRECT, no worker sees the packet.
  afxfw_outcome outcome = AFXFW_REDIRECT;
  /// Of the worker, if it sees the packet.
  Verdict verdict;

  [[nodiscard]] bool by_worker() const noexcept {
    return kind != Kind::kNotJudged && outcome == AFXFW_REDIRECT;
  }
};

/// By the XDP stage, then by classify(), as in afxfw with a socket on each queue.
/// known_bytes: of the frame that was parsed, see Frame. evaluation: for the
/// filter's rules, with the packet's time.
[[nodiscard]] Decision judge(const Filter& filter, const PacketView& packet,
                             std::size_t known_bytes, Evaluation& evaluation) noexcept;

/// The bytes from the start of a frame that the parser and the rules may have
/// looked at: what comes behind makes no difference to any verdict. At most the
/// frame's length.
[[nodiscard]] std::size_t header_bytes(const PacketView& packet) noexcept;

}  // namespace afxfw
