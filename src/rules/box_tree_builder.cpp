#include "rules/box_tree_builder.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "rules/box_tree_lines.h"

namespace afxfw {
namespace {

// No cut goes deeper; only boxes nested by the thousand get there.
constexpr unsigned kMaxDepth = 24;

// Boxes looked at for cuts, for each box of the tree and in any case: bounds the
// time. Trees of 1,000 boxes and more from ClassBench need 2 to 9 a box.
constexpr std::size_t kWorkPerBox = 64;
constexpr std::size_t kMinWork = 1'000'000;

// Cuts that took more memory than was left before no more are tried: a few small
// ones may still fit.
constexpr std::size_t kMaxRefusals = 100;

// Boxes in a subtree without samples are worth that many samples.
constexpr double kUnsampled = 0.01;

// Of a look-up, measured in L2-resident trees on a Sapphire Rapids core at 2.3 GHz.
constexpr double kTreeNs = 1;
constexpr double kNodeNs = 2.3;
constexpr double kGroupNs = 3;
constexpr double kSeveralGroupsNs = 4;

}  // namespace

std::size_t BoxTreeBuilder::IndicesHash::operator()(const Indices& indices) const noexcept {
  std::uint64_t hash = indices.size();
  for (const std::uint32_t index : indices) {
    hash = (hash ^ index) * 0x9e37'79b9'7f4a'7c15;  // 2^64 over the golden ratio
    hash ^= hash >> 32;
  }
  return hash;
}

BoxTreeBuilder::BoxTreeBuilder(std::span<const RuleBox> boxes, std::span<const BoxPoint> samples,
                               Indices indices, std::size_t max_lines)
    : boxes_(boxes), samples_(samples) {
  Indices all_samples(samples.size());
  std::iota(all_samples.begin(), all_samples.end(), 0);
  add(std::move(indices), kEverywhere, 0, std::move(all_samples));
  grow(max_lines);
}

std::size_t BoxTreeBuilder::add(Indices boxes, const BoxRegion& region, unsigned depth,
                                Indices samples) {
  const auto [known, is_new] = known_.try_emplace(std::move(boxes), subtrees_.size());
  if (is_new) {
    line_count_ += box_leaf_lines(known->first.size());
    subtrees_.push_back({&known->first, region, depth, std::move(samples)});
  } else {
    Indices& all = subtrees_[known->second].samples;
    all.insert(all.end(), samples.begin(), samples.end());
  }
  return known->second;
}

void BoxTreeBuilder::grow(std::size_t max_lines) {
  BoxCutter cutter(boxes_, samples_);
  std::size_t work = std::max(kMinWork, kWorkPerBox * subtrees_.front().boxes->size());
  std::size_t refusals = 0;
  std::size_t seen = 0;  // subtrees that have been candidates
  while (refusals < kMaxRefusals) {
    for (; seen < subtrees_.size(); ++seen) add_candidate(seen);
    if (candidates_.empty()) return;
    std::pop_heap(candidates_.begin(), candidates_.end());
    const std::size_t index = candidates_.back().subtree;
    candidates_.pop_back();

    const Subtree& subtree = subtrees_[index];
    if (subtree.boxes->size() > work) return;
    work -= subtree.boxes->size();
    std::optional<BoxDimension> preferred;
    if (subtree.depth == 1) preferred = subtrees_.front().cut.dimension;
    BoxCut cut = cutter.best(subtree.region, *subtree.boxes, subtree.samples, preferred);
    if (cut.parts() > 1 && !apply(std::move(cut), index, max_lines)) ++refusals;
  }
}

void BoxTreeBuilder::add_candidate(std::size_t index) {
  const Subtree& subtree = subtrees_[index];
  const std::size_t boxes = subtree.boxes->size();
  if (boxes <= BoxGroup::kBoxes || subtree.depth == kMaxDepth) return;
  const double samples = kUnsampled + static_cast<double>(subtree.samples.size());
  candidates_.push_back({samples * static_cast<double>(boxes), index});
  std::push_heap(candidates_.begin(), candidates_.end());
}

// False, and no cut, if that took more memory than there is.
bool BoxTreeBuilder::apply(BoxCut cut, std::size_t index, std::size_t max_lines) {
  const Indices& boxes = *subtrees_[index].boxes;
  std::vector<Indices> parts(cut.parts());
  for (const std::uint32_t box : boxes) {
    const auto& [low, high] = boxes_[box].region;
    const std::size_t last = cut.part_of(high[cut.dimension]);
    for (std::size_t i = cut.part_of(low[cut.dimension]); i <= last; ++i) parts[i].push_back(box);
  }
  const std::size_t others = line_count_ - box_leaf_lines(boxes.size()) + BoxNode::kLines;
  std::size_t lines = others;
  for (auto part = parts.begin(); part != parts.end(); ++part) {
    const bool is_new = !known_.contains(*part) && std::find(parts.begin(), part, *part) == part;
    if (is_new) lines += box_leaf_lines(part->size());
  }
  if (lines > max_lines) return false;

  std::vector<Indices> samples(cut.parts());
  for (const std::uint32_t sample : subtrees_[index].samples) {
    samples[cut.part_of(samples_[sample][cut.dimension])].push_back(sample);
  }
  line_count_ = others;
  std::vector<std::size_t> children;
  BoxRegion region = subtrees_[index].region;
  const std::uint32_t end = region.high[cut.dimension];
  for (std::size_t i = 0; i < parts.size(); ++i) {
    region.high[cut.dimension] = i < cut.last.size() ? cut.last[i] : end;
    children.push_back(
        add(std::move(parts[i]), region, subtrees_[index].depth + 1, std::move(samples[i])));
    region.low[cut.dimension] = region.high[cut.dimension] + 1;
  }
  subtrees_[index].cut = std::move(cut);
  subtrees_[index].children = std::move(children);
  return true;
}

double BoxTreeBuilder::cost_ns() const {
  double sum = 0;
  for (const BoxPoint& point : samples_) {
    const Subtree* subtree = &subtrees_.front();
    sum += kTreeNs;
    for (; !subtree->is_leaf(); sum += kNodeNs) {
      const std::size_t part = subtree->cut.part_of(point[subtree->cut.dimension]);
      subtree = &subtrees_[subtree->children[part]];
    }
    const std::size_t groups = box_leaf_lines(subtree->boxes->size()) / BoxGroup::kLines;
    sum += kGroupNs;
    // Of those after the first one, half are compared before one contains the point.
    if (groups > 1) sum += kSeveralGroupsNs + kGroupNs * static_cast<double>(groups - 1) / 2;
  }
  return samples_.empty() ? 0 : sum / static_cast<double>(samples_.size());
}

void BoxTreeBuilder::write(BoxForest& forest) const {
  std::vector<BoxRef> refs(subtrees_.size());
  std::vector<bool> found(subtrees_.size());
  std::vector<std::size_t> order = {0};  // breadth first: what is looked at most is together
  for (std::size_t next = 0; next < order.size(); ++next) {
    const Subtree& subtree = subtrees_[order[next]];
    refs[order[next]] = subtree.is_leaf() ? add_box_leaf(forest, boxes_, *subtree.boxes)
                                          : add_box_node(forest, subtree.cut.dimension);
    for (const std::size_t child : subtree.children) {
      if (!found[child]) order.push_back(child);
      found[child] = true;
    }
  }
  std::vector<BoxRef> children;
  for (const std::size_t index : order) {
    const Subtree& subtree = subtrees_[index];
    if (subtree.is_leaf()) continue;
    children.clear();
    for (const std::size_t child : subtree.children) children.push_back(refs[child]);
    set_box_node(forest, refs[index], subtree.cut, children);
  }
  const bool has_long_leaves = std::any_of(order.begin(), order.end(), [&](std::size_t index) {
    return refs[index].has_several_groups();
  });
  forest.trees.push_back(
      {refs.front(), has_long_leaves, BoxJumpTable::best(forest.lines, refs.front(), samples_)});
}

}  // namespace afxfw
