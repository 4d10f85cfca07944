#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "afxfw_abi.h"

namespace afxfw {

struct NamedCounter {
  const char* name;
  afxfw_counter counter;
};

/// The XDP program's outcomes, grouped as statistics show them. Each packet is
/// in one of the first seven, unless the program aborted, in one of
/// drop_reasons if dropped by policy, and in one of actions.
struct InlineSummary {
  afxfw_counter pass{};       ///< not IP, or IPv6 neighbour discovery
  afxfw_counter drop{};       ///< by the inline policy
  afxfw_counter redirect{};   ///< to a socket
  afxfw_counter fallback{};   ///< no socket on the queue
  afxfw_counter malformed{};  ///< dropped
  afxfw_counter fast_path{};  ///< passed, of flows that the rules had accepted
  afxfw_counter push_down{};  ///< dropped, from sources that the rules block
  afxfw_counter new_flows{};  ///< of redirect: looked up in the fast path in vain
  std::array<NamedCounter, 2> drop_reasons{};
  std::array<NamedCounter, 5> actions{};  ///< by XDP action: ABORTED, DROP, PASS, TX, REDIRECT
};

/// counters: by enum afxfw_outcome. fallback: enum afxfw_fallback, the action
/// behind AFXFW_FALLBACK.
[[nodiscard]] InlineSummary summarise(std::span<const afxfw_counter, AFXFW_OUTCOME_COUNT> counters,
                                      std::uint32_t fallback);

}  // namespace afxfw
