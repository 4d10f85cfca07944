#include "rules/box_forest_builder.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "rules/box_region.h"
#include "rules/box_tree_builder.h"
#include "rules/box_tree_lines.h"
#include "util/cache_line.h"

namespace afxfw {
namespace {

using Indices = BoxTreeBuilder::Indices;

// What trees may take for nodes and for copies of boxes that overlap: the L2 cache
// of a server core, and as much again as the boxes of large sets take themselves.
constexpr std::size_t kSpareLines = (std::size_t{2} << 20) / kCacheLine;
constexpr std::size_t kSpareLinesPerBox = 1;

// A tree that is as quick as that is taken without trying several: two take longer.
constexpr double kQuickNs = 16;

// A box is wide if more than this part of the others' low ends are in it. From 8 to
// 64 makes no difference on ClassBench's rule sets.
constexpr std::size_t kWideShare = 16;

constexpr std::size_t kMaxSamples = 4096;

// Boxes are told apart by the addresses they are wide in.
constexpr std::size_t kKinds = 4;
using KindSet = unsigned;  // a bit each
constexpr KindSet kNarrow = 1;
constexpr KindSet kWideDestination = 2;
constexpr KindSet kWideSource = 4;
constexpr KindSet kWideBoth = 8;

// Ways to share trees out, the one tree first.
const std::vector<std::vector<KindSet>> kSharings = {
    {kNarrow | kWideDestination | kWideSource | kWideBoth},
    {kNarrow | kWideDestination, kWideSource | kWideBoth},
    {kNarrow | kWideSource, kWideDestination | kWideBoth},
    {kNarrow | kWideDestination, kWideSource, kWideBoth},
    {kNarrow | kWideSource, kWideDestination, kWideBoth},
};
constexpr std::size_t kMaxTrees = 3;

// Sorted by rule, without those that contain nothing.
std::vector<RuleBox> rule_boxes(std::span<const Box> boxes) {
  std::vector<RuleBox> result;
  result.reserve(boxes.size());
  for (const Box& box : boxes) {
    const RuleBox rule_box = {{{box.source_low, box.destination_low, box.source_port_low,
                                box.destination_port_low, box.protocol_low},
                               {box.source_high, box.destination_high, box.source_port_high,
                                box.destination_port_high, box.protocol_high}},
                              box.rule};
    const auto& [low, high] = rule_box.region;
    if (std::equal(low.begin(), low.end(), high.begin(), std::less_equal<>())) {
      result.push_back(rule_box);
    }
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const RuleBox& a, const RuleBox& b) { return a.rule < b.rule; });
  return result;
}

// Random points inside boxes, every box alike; the same ones for the same boxes.
std::vector<BoxPoint> sample_points(const std::vector<RuleBox>& boxes) {
  std::vector<BoxPoint> samples(std::min(2 * boxes.size(), kMaxSamples));
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto& [low, high] = boxes[i * boxes.size() / samples.size()].region;
    for (const BoxDimension dimension : kAllBoxDimensions) {
      const std::uint64_t values = std::uint64_t{high[dimension]} - low[dimension] + 1;
      samples[i][dimension] = low[dimension] + static_cast<std::uint32_t>(random() % values);
    }
  }
  return samples;
}

// Says which boxes are wide in a dimension: those that many others begin inside of.
// Not by size, as IPv6 addresses come as ranks without gaps.
class Width {
 public:
  Width(const std::vector<RuleBox>& boxes, BoxDimension dimension) : dimension_(dimension) {
    lows_.reserve(boxes.size());
    for (const RuleBox& box : boxes) lows_.push_back(box.region.low[dimension]);
    std::sort(lows_.begin(), lows_.end());
    lows_.erase(std::unique(lows_.begin(), lows_.end()), lows_.end());
  }

  [[nodiscard]] bool is_wide(const BoxRegion& box) const {
    const auto first = std::lower_bound(lows_.begin(), lows_.end(), box.low[dimension_]);
    const auto above = std::upper_bound(first, lows_.end(), box.high[dimension_]);
    return static_cast<std::size_t>(above - first) * kWideShare > lows_.size();
  }

 private:
  BoxDimension dimension_;
  std::vector<std::uint32_t> lows_;
};

struct Forest {
  std::vector<std::shared_ptr<const BoxTreeBuilder>> trees;
  double cost_ns = 0;
};

class Chooser {
 public:
  explicit Chooser(const std::vector<RuleBox>& boxes)
      : boxes_(boxes), samples_(sample_points(boxes)) {
    const Width source(boxes, kSource);
    const Width destination(boxes, kDestination);
    for (const RuleBox& box : boxes) {
      kinds_.push_back((destination.is_wide(box.region) ? 1U : 0U) +
                       (source.is_wide(box.region) ? 2U : 0U));
    }
  }

  Forest best() {
    Forest best = forest(kSharings.front());
    for (std::size_t i = 1; i < kSharings.size() && best.cost_ns > kQuickNs; ++i) {
      Forest other = forest(kSharings[i]);
      if (other.cost_ns < best.cost_ns) best = std::move(other);
    }
    return best;
  }

 private:
  Forest forest(const std::vector<KindSet>& sharing) {
    Forest forest;
    for (const KindSet kinds : sharing) {
      if (const auto built = tree(kinds)) {
        forest.trees.push_back(built);
        forest.cost_ns += built->cost_ns();
      }
    }
    return forest;
  }

  // Null if there are no boxes of these kinds, unless there are none at all.
  std::shared_ptr<const BoxTreeBuilder> tree(KindSet kinds) {
    auto& tree = trees_[kinds];
    if (tree != nullptr) return tree;
    Indices indices;
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      if ((kinds >> kinds_[i] & 1) != 0) indices.push_back(static_cast<std::uint32_t>(i));
    }
    if (indices.empty() && !boxes_.empty()) return nullptr;
    const bool is_only = indices.size() == boxes_.size();
    const std::size_t spare = kSpareLines / (is_only ? 1 : 2) + kSpareLinesPerBox * indices.size();
    const std::size_t lines = box_leaf_lines(indices.size()) + spare;
    tree = std::make_shared<const BoxTreeBuilder>(boxes_, samples_, std::move(indices), lines);
    return tree;
  }

  const std::vector<RuleBox>& boxes_;
  std::vector<BoxPoint> samples_;
  std::vector<unsigned> kinds_;
  std::array<std::shared_ptr<const BoxTreeBuilder>, 1U << kKinds> trees_;
};

}  // namespace

BoxForest build_box_forest(std::span<const Box> boxes) {
  const std::vector<RuleBox> sorted = rule_boxes(boxes);
  BoxForest forest;
  for (const auto& tree : Chooser(sorted).best().trees) tree->write(forest);
  std::sort(forest.trees.begin(), forest.trees.end(),
            [](const BoxTree& a, const BoxTree& b) { return a.lowest_rule < b.lowest_rule; });
  forest.lines.shrink_to_fit();
  return forest;
}

std::size_t max_box_forest_bytes(std::size_t boxes) {
  const std::size_t leaves = box_leaf_lines(boxes) + kMaxTrees * BoxGroup::kLines;
  const std::size_t spare = kMaxTrees * kSpareLines / 2 + kSpareLinesPerBox * boxes;
  const std::size_t lines = leaves + spare;
  return lines * sizeof(BoxLine) + kMaxTrees * sizeof(BoxTree);
}

}  // namespace afxfw
