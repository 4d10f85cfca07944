#include "rules/box_forest_builder.h"

#include <algorithm>
#include <array>
#include <vector>

#include "rules/box_cut.h"
#include "rules/box_tree_builder.h"

namespace afxfw {
namespace {

constexpr std::size_t kMaxTrees = 4;

// Places for boxes in a tree's leaves.
std::size_t leaf_boxes(std::size_t boxes) { return std::max<std::size_t>(boxes * 8, 4096); }

std::vector<RuleBox> sorted_boxes(std::span<const Box> boxes) {
  std::vector<RuleBox> sorted;
  sorted.reserve(boxes.size());
  for (const Box& box : boxes) {
    const RuleBox rule_box = {{{box.source_low, box.destination_low, box.source_port_low,
                                box.destination_port_low, box.protocol_low},
                               {box.source_high, box.destination_high, box.source_port_high,
                                box.destination_port_high, box.protocol_high}},
                              box.rule};
    const auto& [low, high] = rule_box.region;
    if (std::equal(low.begin(), low.end(), high.begin(), std::less_equal<>())) {
      sorted.push_back(rule_box);
    }
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const RuleBox& a, const RuleBox& b) { return a.rule < b.rule; });
  return sorted;
}

}  // namespace

BoxForest build_box_forest(std::span<const Box> boxes) {
  const std::vector<RuleBox> sorted = sorted_boxes(boxes);
  BoxForest forest;
  BoxTreeBuilder builder(sorted, forest.lines);
  std::array<std::vector<std::uint32_t>, kMaxTrees> kinds;
  for (std::uint32_t i = 0; i < sorted.size(); ++i) {
    const auto& [low, high] = sorted[i].region;
    std::size_t kind = 0;
    for (const BoxDimension dimension : {kSource, kDestination}) {
      kind = kind * 2 + (high[dimension] - low[dimension] >= 1U << 24 ? 1 : 0);
    }
    kinds[kind].push_back(i);
  }
  for (const auto& indices : kinds) {
    if (indices.empty() && !(forest.trees.empty() && &indices == &kinds.back())) continue;
    forest.trees.push_back(builder.build(indices, leaf_boxes(indices.size())));
  }
  std::sort(forest.trees.begin(), forest.trees.end(),
            [](const BoxTree& a, const BoxTree& b) { return a.lowest_rule < b.lowest_rule; });
  forest.lines.shrink_to_fit();
  return forest;
}

std::size_t max_box_forest_bytes(std::size_t boxes) {
  // Each node has two children or more, and each leaf a group: fewer nodes than
  // groups.
  const std::size_t groups = kMaxTrees * leaf_boxes(boxes) / BoxGroup::kBoxes;
  return groups * (BoxGroup::kLines + BoxNode::kLines) * sizeof(BoxLine) +
         kMaxTrees * sizeof(BoxTree);
}

}  // namespace afxfw
