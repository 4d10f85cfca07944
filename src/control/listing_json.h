#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/live_rules.h"
#include "util/json.h"

namespace afxfw {

/// All rules with their counters: {"rules":[…],"text":"…"}, the text as nftables would
/// list them, with their handles.
[[nodiscard]] Json rules_json(const LiveRules& rules);

/// An array of the lists and the rules' sets, with their sizes.
[[nodiscard]] Json sets_json(const std::vector<SetSize>& sizes);

/// Elements of a list or set from number `offset` on, a page of them; "next_offset" if
/// there are more. The error: there is none of this name.
[[nodiscard]] tl::expected<Json, std::string> set_json(const LiveRules& rules,
                                                       const std::string& name,
                                                       std::uint64_t offset);

/// When what is in force was read: {"at":…,"by":…}.
[[nodiscard]] Json load_json(const LoadRecord& record);

}  // namespace afxfw
