#include "rules/box_forest_builder.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "rules/box_region.h"
#include "rules/box_tree_builder.h"
#include "rules/box_tree_lines.h"
#include "util/cache_line.h"

namespace afxfw {
namespace {

using Indices = BoxTreeBuilder::Indices;

// What trees may take for nodes and for copies of boxes that overlap: half the L2
// cache of a server core, and for each box three times what it takes itself. With the
// whole cache, sets of 10,000 rules are 15 % slower to 12 % quicker; with a quarter,
// small sets that overlap are 20 % slower. With a third less for each box, 60,000
// rules of the kind acl1 are half as quick.
constexpr std::size_t kSpareLines = (std::size_t{1} << 20) / kCacheLine;
constexpr std::size_t kSpareBytesPerBox = 96;

std::size_t spare_lines(std::size_t boxes) { return boxes * kSpareBytesPerBox / kCacheLine; }

// A single tree this quick is taken without trying several, which take longer.
constexpr double kQuickNs = 16;

// A box is wide if more than this part of the others' low ends are in it. From 8 to
// 64 makes no difference on ClassBench's rule sets.
constexpr std::size_t kWideShare = 16;

constexpr std::size_t kMaxSamples = 4096;

// Boxes are told apart by the addresses they are wide in.
using KindSet = unsigned;  // a bit each
constexpr KindSet kNarrow = 1;
constexpr KindSet kWideDestination = 2;
constexpr KindSet kWideSource = 4;
constexpr KindSet kWideBoth = 8;
constexpr KindSet kAllKinds = 15;

// Ways to share the boxes out to trees; no boxes, no tree.
constexpr std::size_t kMaxTrees = 3;
constexpr std::array<std::array<KindSet, kMaxTrees>, 5> kSharings = {{
    {kAllKinds},
    {kNarrow | kWideDestination, kWideSource | kWideBoth},
    {kNarrow | kWideSource, kWideDestination | kWideBoth},
    {kNarrow | kWideDestination, kWideSource, kWideBoth},
    {kNarrow | kWideSource, kWideDestination, kWideBoth},
}};

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

/// Some of kSharings' trees, and what a look-up in all of them costs.
struct Trees {
  std::vector<std::shared_ptr<const BoxTreeBuilder>> trees;
  double cost_ns = 0;
};

/// Builds the trees of one sharing after the other.
class Sharer {
 public:
  explicit Sharer(const std::vector<RuleBox>& boxes)
      : boxes_(boxes), samples_(sample_points(boxes)) {
    const Width source(boxes, kSource);
    const Width destination(boxes, kDestination);
    kinds_.reserve(boxes.size());
    for (const RuleBox& box : boxes) {
      const bool wide_source = source.is_wide(box.region);
      const bool wide_destination = destination.is_wide(box.region);
      kinds_.push_back(wide_source ? (wide_destination ? kWideBoth : kWideSource)
                                   : (wide_destination ? kWideDestination : kNarrow));
      present_ |= kinds_.back();
    }
  }

  Trees best() {
    Trees best = shared(kSharings.front());
    for (std::size_t i = 1; i < kSharings.size() && best.cost_ns > kQuickNs; ++i) {
      Trees other = shared(kSharings[i]);
      if (other.cost_ns < best.cost_ns) best = std::move(other);
    }
    return best;
  }

 private:
  Trees shared(const std::array<KindSet, kMaxTrees>& sharing) {
    Trees result;
    for (const KindSet kinds : sharing) {
      if ((kinds & present_) == 0) continue;
      result.trees.push_back(tree(kinds & present_));
      result.cost_ns += result.trees.back()->cost_ns();
    }
    return result;
  }

  const std::shared_ptr<const BoxTreeBuilder>& tree(KindSet kinds) {
    auto& tree = trees_[kinds];
    if (tree != nullptr) return tree;
    Indices indices;
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      if ((kinds & kinds_[i]) != 0) indices.push_back(static_cast<std::uint32_t>(i));
    }
    // One tree of several gets half of what a single one would.
    const std::size_t spare =
        kSpareLines / (kinds == present_ ? 1 : 2) + spare_lines(indices.size());
    const std::size_t lines = box_leaf_lines(indices.size()) + spare;
    tree = std::make_shared<const BoxTreeBuilder>(boxes_, samples_, std::move(indices), lines);
    return tree;
  }

  const std::vector<RuleBox>& boxes_;
  std::vector<BoxPoint> samples_;
  std::vector<KindSet> kinds_;  // of each box, one
  KindSet present_ = 0;
  std::array<std::shared_ptr<const BoxTreeBuilder>, kAllKinds + 1> trees_;
};

}  // namespace

BoxForest build_box_forest(std::span<const Box> boxes) {
  const std::vector<RuleBox> sorted = rule_boxes(boxes);
  Sharer sharer(sorted);  // has the samples that trees are written by
  const Trees best = sharer.best();
  BoxForest forest;
  for (const auto& tree : best.trees) tree->write(forest);
  forest.lines.shrink_to_fit();
  return forest;
}

std::size_t max_box_forest_bytes(std::size_t boxes) {
  const std::size_t leaves = box_leaf_lines(boxes) + kMaxTrees * BoxGroup::kLines;
  const std::size_t spare = kMaxTrees * kSpareLines / 2 + spare_lines(boxes);
  const std::size_t lines = leaves + spare;
  return lines * sizeof(BoxLine) + kMaxTrees * (sizeof(BoxTree) + BoxJumpTable::max_memory_bytes());
}

}  // namespace afxfw
