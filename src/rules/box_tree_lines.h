#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "rules/box_cut.h"
#include "rules/box_region.h"
#include "rules/box_tree.h"

namespace afxfw {

/// Lines that a leaf of so many boxes takes.
[[nodiscard]] std::size_t box_leaf_lines(std::size_t boxes);

/// Adds a leaf of the boxes of these indices, in order of their rules, to a forest's
/// lines. Throws std::length_error if they are too many to refer to; so does
/// add_box_node().
BoxRef add_box_leaf(BoxForest& forest, std::span<const RuleBox> boxes,
                    std::span<const std::uint32_t> indices);

/// Adds a node, to be filled by set_box_node().
BoxRef add_box_node(BoxForest& forest, BoxDimension dimension);
/// children: as many as the cut has parts.
void set_box_node(BoxForest& forest, BoxRef node, const BoxCut& cut,
                  std::span<const BoxRef> children);

}  // namespace afxfw
