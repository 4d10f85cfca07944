#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "rules/box_cut.h"
#include "rules/box_tree.h"

namespace afxfw {

/// Builds trees into a forest's lines.
class BoxTreeBuilder {
 public:
  /// boxes: sorted by rule; must outlive the builder.
  BoxTreeBuilder(std::span<const RuleBox> boxes, std::vector<BoxLine>& lines)
      : boxes_(boxes), lines_(lines), cutter_(boxes) {}

  /// A tree of the boxes of these indices, ascending. leaf_boxes: how many places
  /// for boxes its leaves may have, at least as many as a single leaf needs.
  [[nodiscard]] BoxTree build(std::span<const std::uint32_t> indices, std::size_t leaf_boxes);

  /// Places for boxes that a leaf needs, the unused ones included.
  [[nodiscard]] static std::size_t leaf_places(std::size_t boxes);

 private:
  using Indices = std::vector<std::uint32_t>;
  struct IndicesHash {
    std::size_t operator()(const Indices& indices) const noexcept;
  };

  BoxRef subtree(const BoxRegion& region, const Indices& indices, std::size_t leaf_boxes,
                 unsigned depth);
  BoxRef make_node(const BoxRegion& region, const Indices& indices, const BoxCut& cut,
                   std::size_t leaf_boxes, unsigned depth);
  BoxRef make_leaf(const Indices& indices);
  std::size_t add_lines(std::size_t count);

  std::span<const RuleBox> boxes_;
  std::vector<BoxLine>& lines_;
  BoxCutter cutter_;
  /// What there is for these boxes. A subtree answers right outside of the region it
  /// was built for as well: whatever a box contains there has the box in its part.
  std::unordered_map<Indices, BoxRef, IndicesHash> subtrees_;
};

}  // namespace afxfw
