#pragma once

#include <cstddef>

#include "engine/hot_sources.h"
#include "util/json.h"

namespace afxfw {

/// The sources of what workers dropped, the first `count` of them, and how sure that is.
[[nodiscard]] Json sources_json(const HotSources::Ranking& ranking, std::size_t count);

}  // namespace afxfw
