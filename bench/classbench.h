#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "rules/box.h"

namespace afxfw {

/// Rules as ClassBench (Taylor and Turner, INFOCOM 2005) writes them, a line each:
/// `@source/length destination/length low : high low : high protocol/mask ...`,
/// numbered in the file's order. What follows the protocol is ignored. Throws
/// std::runtime_error for a file that can't be read or has none.
[[nodiscard]] std::vector<Box> read_classbench(const std::filesystem::path& file);

/// Headers that match rules, as ClassBench's trace generator draws them: a random
/// rule, and a random point inside it. The same ones each time.
[[nodiscard]] std::vector<BoxKey> headers_inside(const std::vector<Box>& boxes, std::size_t count);

}  // namespace afxfw
