#pragma once

#include <cstdint>

#include "afxfw_abi.h"
#include "net/packet_view.h"

namespace afxfw {

/// What the XDP program (bpf/afxfw.bpf.c) makes of a packet under a policy.
/// link_traffic: bits of enum afxfw_link_traffic, see RuleSet::link_traffic().
/// Returns
/// AFXFW_REDIRECT for what goes to a worker, given that its queue has one. Never
/// AFXFW_FALLBACK or AFXFW_ABORTED. tests/bpf compares it with the program in
/// the kernel.
[[nodiscard]] afxfw_outcome inline_outcome(const afxfw_inline_policy& policy,
                                           const PacketView& packet,
                                           std::uint32_t link_traffic = 0) noexcept;

}  // namespace afxfw
