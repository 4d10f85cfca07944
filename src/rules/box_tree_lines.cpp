#include "rules/box_tree_lines.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <stdexcept>

namespace afxfw {
namespace {

// The word of a key that a node compares for a dimension: a coordinate of 16 bits is
// the upper half of one whose lower half doesn't matter.
struct KeyWord {
  std::size_t offset;
  unsigned shift;

  // The largest word of that coordinate.
  [[nodiscard]] std::uint32_t last(std::uint32_t coordinate) const {
    return coordinate << shift | ((1U << shift) - 1);
  }
};
constexpr std::array<KeyWord, kBoxDimensions> kKeyWords = {{
    {offsetof(BoxKey, source), 0},
    {offsetof(BoxKey, destination), 0},
    {offsetof(BoxKey, source_port) - 2, 16},
    {offsetof(BoxKey, destination_port) - 2, 16},
    {offsetof(BoxKey, protocol) - 2, 16},
}};

// Lines filled with zeros; returns the first one's index.
std::size_t add_lines(BoxForest& forest, std::size_t count) {
  const std::size_t first = forest.lines.size();
  if (first + count > BoxRef::kMaxLines) throw std::length_error("too many boxes to classify by");
  forest.lines.resize(first + count);
  return first;
}

// group: the lines of one.
void set_box(std::span<BoxLine> group, std::size_t place, const RuleBox& box) {
  const BoxPoint& low = box.region.low;
  BoxPoint length;
  for (const BoxDimension dimension : kAllBoxDimensions) {
    length[dimension] = box.region.high[dimension] - low[dimension];
  }
  const std::size_t upper = BoxGroup::kBoxes + place;
  group[BoxGroup::kSources].words[place] = low[kSource];
  group[BoxGroup::kSources].words[upper] = length[kSource];
  group[BoxGroup::kDestinations].words[place] = low[kDestination];
  group[BoxGroup::kDestinations].words[upper] = length[kDestination];
  group[BoxGroup::kPorts].words[place] = low[kSourcePort] | low[kDestinationPort] << 16;
  group[BoxGroup::kPorts].words[upper] = length[kSourcePort] | length[kDestinationPort] << 16;
  auto& last = group[BoxGroup::kProtocolsAndRules].words;
  const unsigned half = place % 2 * 16;
  last[place / 2] |= low[kProtocol] << half;
  last[upper / 2] |= length[kProtocol] << half;
  last[upper] = box.rule;
}

}  // namespace

std::size_t box_leaf_lines(std::size_t boxes) {
  // Of several groups, the last one has an unused place.
  const std::size_t groups = boxes <= BoxGroup::kBoxes ? 1 : boxes / BoxGroup::kBoxes + 1;
  return groups * BoxGroup::kLines;
}

BoxRef add_box_leaf(BoxForest& forest, std::span<const RuleBox> boxes,
                    std::span<const std::uint32_t> indices) {
  const std::size_t count = box_leaf_lines(indices.size());
  const std::size_t first = add_lines(forest, count);
  const auto lines = std::span(forest.lines).subspan(first);
  for (std::size_t group = 0; group < count; group += BoxGroup::kLines) {
    auto& words = lines[group + BoxGroup::kProtocolsAndRules].words;
    std::fill(words.begin() + BoxGroup::kBoxes, words.end(), kNoBoxRule);
  }
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::size_t group = i / BoxGroup::kBoxes * BoxGroup::kLines;
    set_box(lines.subspan(group, BoxGroup::kLines), i % BoxGroup::kBoxes, boxes[indices[i]]);
  }
  return BoxRef::leaf(first, count > BoxGroup::kLines);
}

BoxRef add_box_node(BoxForest& forest, BoxDimension dimension) {
  return BoxRef::node(add_lines(forest, BoxNode::kLines), kKeyWords[dimension].offset);
}

void set_box_node(BoxForest& forest, BoxRef node, const BoxCut& cut,
                  std::span<const BoxRef> children) {
  assert(children.size() == cut.parts() && children.size() <= BoxNode::kMaxChildren);
  const std::span<BoxLine> lines = std::span(forest.lines).subspan(node.line(), BoxNode::kLines);
  lines[0].words.fill(0xffff'ffff);
  for (std::size_t i = 0; i < cut.last.size(); ++i) {
    lines[0].words[i] = kKeyWords[cut.dimension].last(cut.last[i]);
  }
  for (std::size_t i = 0; i < children.size(); ++i) lines[1].words[i] = children[i].word();
}

}  // namespace afxfw
