#pragma once

#include <tl/expected.hpp>

#include <string>
#include <string_view>

#include "afxfw_abi.h"
#include "util/text_error.h"

namespace afxfw {

/// What `--inline-drop` is unless given.
inline constexpr std::string_view kDefaultInlineDrop = "udp,tcp/80";

/// Reads what the XDP program drops by itself: "none", or a comma list of
///
///   PROTOCOL            whole: tcp udp icmp icmpv6 igmp gre esp ah sctp, or 0 to 255
///   tcp/PORT, udp/PORT  destination port 0 to 65535, or a range LOW-HIGH
///
/// Blanks around items and upper case are fine. Returns the policy, with
/// `fallback` set to AFXFW_FALLBACK_PASS, or everything that is wrong.
/// source: what to call the text in errors; their column counts in the text.
[[nodiscard]] tl::expected<afxfw_inline_policy, TextErrors> parse_inline_policy(
    std::string_view text, std::string_view source = "--inline-drop");

/// The policy in the same language, each thing once: whole protocols by number,
/// then TCP ports, then UDP ports, neighbouring ports as ranges.
[[nodiscard]] std::string to_string(const afxfw_inline_policy& policy);

}  // namespace afxfw
