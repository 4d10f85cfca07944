#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/live_rules.h"
#include "protocol/response.h"

namespace afxfw {

/// All rules with their counters: {"rules":[…],"text":"…"}, the text as nftables would
/// list them, with their handles.
[[nodiscard]] protocol::Json rules_json(const LiveRules& rules);

/// An array of the lists and the rules' sets, with their sizes.
[[nodiscard]] protocol::Json sets_json(const std::vector<SetSize>& sizes);

/// Elements of a list or set from number `offset` on, a page of them; "next_offset" if
/// there are more. The error: there is none of this name.
[[nodiscard]] tl::expected<protocol::Json, std::string> set_json(const LiveRules& rules,
                                                                 const std::string& name,
                                                                 std::uint64_t offset);

/// When what is in force was read: {"at":…,"by":…}.
[[nodiscard]] protocol::Json load_json(const LoadRecord& record);

}  // namespace afxfw
