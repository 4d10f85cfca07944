#pragma once

#include <cstddef>
#include <vector>

#include "rules/box_jump_table.h"
#include "rules/box_lines.h"

namespace afxfw {

/// A decision tree over some of the boxes.
struct BoxTree {
  BoxRef root;
  /// Whether some leaf has several groups.
  bool has_long_leaves = false;
  BoxJumpTable jumps;
};

/// Trees, each over a part of the boxes, in the lines they share.
struct BoxForest {
  std::vector<BoxLine> lines;
  std::vector<BoxTree> trees;

  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    std::size_t bytes = lines.size() * sizeof(BoxLine) + trees.size() * sizeof(BoxTree);
    for (const BoxTree& tree : trees) bytes += tree.jumps.memory_bytes();
    return bytes;
  }
};

}  // namespace afxfw
