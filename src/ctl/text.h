#pragma once

#include <cstdint>
#include <string>

#include "util/json.h"

namespace afxfw {

// Answers for a person: whole lines, aligned. What an answer lacks is left out, so that
// a client and an afxfw of different versions get along.

/// Of status.
[[nodiscard]] std::string status_text(const Json& status);
/// Of list_rules: the text that is in it.
[[nodiscard]] std::string rules_text(const Json& answer);
/// Of list_sets.
[[nodiscard]] std::string sets_text(const Json& answer);
/// Of list_set, all pages: the set as nftables lists it; elements as in the order of the
/// answer, what was changed at run time first.
[[nodiscard]] std::string set_text(const Json& set);
/// Of an event, one line or more.
[[nodiscard]] std::string event_text(const Json& event);

/// 492 as "8m12s", 0 as "0s".
[[nodiscard]] std::string duration_text(std::uint64_t seconds);

}  // namespace afxfw
