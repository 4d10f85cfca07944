#include "rules/box_tree_builder.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <stdexcept>

namespace afxfw {
namespace {

// No cut goes deeper; only boxes nested by the thousand get there.
constexpr unsigned kMaxDepth = 24;

constexpr BoxRegion kEverywhere = {.low = {},
                                   .high = {0xffff'ffff, 0xffff'ffff, 0xffff, 0xffff, 0xffff}};

// The word of a key that a node compares for a dimension: a coordinate of 16 bits is
// the upper half of one whose lower half doesn't matter.
struct KeyWord {
  std::size_t offset;
  unsigned shift;
};
constexpr std::array<KeyWord, kBoxDimensions> kKeyWords = {{
    {offsetof(BoxKey, source), 0},
    {offsetof(BoxKey, destination), 0},
    {offsetof(BoxKey, source_port) - 2, 16},
    {offsetof(BoxKey, destination_port) - 2, 16},
    {offsetof(BoxKey, protocol) - 2, 16},
}};

// The largest word of that coordinate.
std::uint32_t last_word(std::uint32_t dimension, std::uint32_t coordinate) {
  const unsigned shift = kKeyWords[dimension].shift;
  return coordinate << shift | ((1U << shift) - 1);
}

void set_box(std::span<BoxLine, BoxGroup::kLines> group, std::size_t place, const RuleBox& box) {
  const auto& [low, high] = box.region;
  const auto length = [&](BoxDimension dimension) { return high[dimension] - low[dimension]; };
  const std::size_t upper = BoxGroup::kBoxes + place;
  group[BoxGroup::kSources].words[place] = low[kSource];
  group[BoxGroup::kSources].words[upper] = length(kSource);
  group[BoxGroup::kDestinations].words[place] = low[kDestination];
  group[BoxGroup::kDestinations].words[upper] = length(kDestination);
  group[BoxGroup::kPorts].words[place] = low[kSourcePort] | low[kDestinationPort] << 16;
  group[BoxGroup::kPorts].words[upper] = length(kSourcePort) | length(kDestinationPort) << 16;
  auto& last = group[BoxGroup::kProtocolsAndRules].words;
  const auto half = static_cast<unsigned>(place % 2 * 16);
  last[place / 2] |= low[kProtocol] << half;
  last[(BoxGroup::kBoxes + place) / 2] |= length(kProtocol) << half;
  last[upper] = box.rule;
}

}  // namespace

std::size_t BoxTreeBuilder::IndicesHash::operator()(const Indices& indices) const noexcept {
  std::uint64_t hash = indices.size();
  for (const std::uint32_t index : indices) {
    hash = (hash ^ index) * 0x9e37'79b9'7f4a'7c15;  // 2^64 over the golden ratio
    hash ^= hash >> 32;
  }
  return hash;
}

std::size_t BoxTreeBuilder::leaf_places(std::size_t boxes) {
  const std::size_t groups =
      boxes <= BoxGroup::kBoxes ? 1 : boxes / BoxGroup::kBoxes + 1;  // one place stays unused
  return groups * BoxGroup::kBoxes;
}

BoxTree BoxTreeBuilder::build(std::span<const std::uint32_t> indices, std::size_t leaf_boxes) {
  subtrees_.clear();
  BoxTree tree;
  tree.root = subtree(kEverywhere, {indices.begin(), indices.end()}, leaf_boxes, 0);
  if (!indices.empty()) tree.lowest_rule = boxes_[indices.front()].rule;
  return tree;
}

std::size_t BoxTreeBuilder::add_lines(std::size_t count) {
  const std::size_t first = lines_.size();
  if (first + count > BoxRef::kMaxLines) throw std::length_error("too many boxes to classify by");
  lines_.resize(first + count);
  return first;
}

BoxRef BoxTreeBuilder::subtree(const BoxRegion& region, const Indices& indices,
                               std::size_t leaf_boxes, unsigned depth) {
  if (const auto known = subtrees_.find(indices); known != subtrees_.end()) return known->second;
  BoxRef ref;
  bool is_leaf = indices.size() <= BoxGroup::kBoxes || depth == kMaxDepth;
  if (!is_leaf) {
    const BoxCut cut = cutter_.best(region, indices);
    std::size_t needed = 0;
    std::size_t largest = 0;
    for (const std::size_t boxes : cut.boxes) {
      needed += leaf_places(boxes);
      largest = std::max(largest, boxes);
    }
    is_leaf = cut.last.empty() || largest == indices.size() || needed > leaf_boxes;
    if (!is_leaf) ref = make_node(region, indices, cut, leaf_boxes, depth);
  }
  if (is_leaf) ref = make_leaf(indices);
  subtrees_.emplace(indices, ref);
  return ref;
}

BoxRef BoxTreeBuilder::make_node(const BoxRegion& region, const Indices& indices, const BoxCut& cut,
                                 std::size_t leaf_boxes, unsigned depth) {
  const std::size_t line = add_lines(BoxNode::kLines);
  const std::uint32_t dimension = cut.dimension;
  // Not by reference: lines_ moves while children are added.
  BoxLine last;
  last.words.fill(0xffff'ffff);
  std::transform(cut.last.begin(), cut.last.end(), last.words.begin(),
                 [&](std::uint32_t coordinate) { return last_word(dimension, coordinate); });
  BoxLine children = {};

  std::size_t needed = 0;
  for (const std::size_t boxes : cut.boxes) needed += leaf_places(boxes);
  BoxRegion part = region;
  Indices inside;
  for (std::size_t child = 0; child < cut.boxes.size(); ++child) {
    const bool is_final = child == cut.last.size();
    part.high[dimension] = is_final ? region.high[dimension] : cut.last[child];
    inside.clear();
    for (const std::uint32_t index : indices) {
      const BoxRegion& box = boxes_[index].region;
      if (box.low[dimension] <= part.high[dimension] && box.high[dimension] >= part.low[dimension])
        inside.push_back(index);
    }
    assert(inside.size() == cut.boxes[child]);
    const std::size_t share = leaf_boxes * leaf_places(inside.size()) / needed;
    children.words[child] = subtree(part, inside, share, depth + 1).word();
    part.low[dimension] = part.high[dimension] + 1;
  }
  lines_[line] = last;
  lines_[line + 1] = children;
  return BoxRef::node(line, kKeyWords[dimension].offset);
}

BoxRef BoxTreeBuilder::make_leaf(const Indices& indices) {
  const std::size_t groups = leaf_places(indices.size()) / BoxGroup::kBoxes;
  const std::size_t first_line = add_lines(groups * BoxGroup::kLines);
  const auto lines = std::span(lines_).subspan(first_line);
  for (std::size_t group = 0; group < groups; ++group) {
    auto& words = lines[group * BoxGroup::kLines + BoxGroup::kProtocolsAndRules].words;
    std::fill(words.begin() + BoxGroup::kBoxes, words.end(), kNoBoxRule);
  }
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::size_t group = i / BoxGroup::kBoxes * BoxGroup::kLines;
    set_box(lines.subspan(group).first<BoxGroup::kLines>(), i % BoxGroup::kBoxes,
            boxes_[indices[i]]);
  }
  return BoxRef::leaf(first_line, groups > 1);
}

}  // namespace afxfw
