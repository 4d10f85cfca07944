#pragma once

#include <cstddef>
#include <span>

#include "rules/box.h"
#include "rules/box_tree.h"

namespace afxfw {

/// Decides which boxes share a tree, and builds the trees.
[[nodiscard]] BoxForest build_box_forest(std::span<const Box> boxes);

/// What a forest's memory stays below, whatever the boxes: trees that would have more
/// leaves end in leaves of many boxes instead.
[[nodiscard]] std::size_t max_box_forest_bytes(std::size_t boxes);

}  // namespace afxfw
