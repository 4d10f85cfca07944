#include "rules/box_cut.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "rules/box_tree.h"

namespace afxfw {
namespace {

// Memory's weight against time when cuts are compared: enough that of two that are
// as quick, the one with fewer copies of boxes is taken. Without any, memory is used
// up while leaves are large (fw1_1k of ClassBench with 1 MB: 2.0 groups compared a
// look-up instead of 1.3); six times as much makes trees twice as deep.
constexpr double kMemoryWeight = 0.05;

// How many samples each box in a part is worth, so that parts without any count.
constexpr double kUnsampledTraffic = 0.1;

// How much more steps, as a logarithm, the preferred dimension may take.
constexpr double kPreference = 0.1;

// How leaves grow with boxes; they are copied where they overlap.
constexpr double kLeafGrowth = 1.2;

}  // namespace

BoxCutter::BoxCutter(std::span<const RuleBox> boxes, std::span<const BoxPoint> samples)
    : boxes_(boxes), samples_(samples) {
  estimates_.reserve(boxes.size() + 1);
  for (std::size_t count = 0; count <= boxes.size(); ++count) {
    const double groups =
        std::max(1.0, static_cast<double>(count) / static_cast<double>(BoxGroup::kBoxes));
    estimates_.push_back({static_cast<float>(1 + std::log2(groups)),
                          static_cast<float>(std::pow(groups, kLeafGrowth))});
  }
}

bool BoxCutter::find_places(const BoxRegion& region, std::span<const std::uint32_t> boxes,
                            BoxDimension dimension) {
  begins_.clear();
  ends_.clear();
  const std::uint32_t low = region.low[dimension];
  const std::uint32_t high = region.high[dimension];
  for (const std::uint32_t index : boxes) {
    const BoxRegion& box = boxes_[index].region;
    if (box.low[dimension] > low) begins_.push_back(box.low[dimension] - 1);
    if (box.high[dimension] < high) ends_.push_back(box.high[dimension]);
  }
  if (begins_.empty() && ends_.empty()) return false;
  std::sort(begins_.begin(), begins_.end());
  std::sort(ends_.begin(), ends_.end());

  places_.clear();
  const std::size_t from_start = boxes.size() - begins_.size();
  auto begin = begins_.begin();
  auto end = ends_.begin();
  while (begin != begins_.end() || end != ends_.end()) {
    const std::uint32_t last =
        end == ends_.end() || (begin != begins_.end() && *begin < *end) ? *begin : *end;
    while (end != ends_.end() && *end == last) ++end;
    const auto begun = from_start + static_cast<std::size_t>(begin - begins_.begin());
    places_.push_back(
        {last, static_cast<std::uint32_t>(begun), static_cast<std::uint32_t>(end - ends_.begin())});
    while (begin != begins_.end() && *begin == last) ++begin;
  }
  // The end of the region, where no cut is needed.
  places_.push_back({high, static_cast<std::uint32_t>(boxes.size()), 0});
  return true;
}

// Chooses places so that parts have up to `limit` boxes each, where that can be;
// false if that takes too many parts.
bool BoxCutter::divide(std::size_t limit) {
  chosen_.clear();
  part_boxes_.clear();
  std::size_t next = 0;
  std::size_t ended = 0;
  while (true) {
    const auto above =
        std::partition_point(places_.begin() + static_cast<std::ptrdiff_t>(next), places_.end(),
                             [&](const Place& place) { return place.begun <= limit + ended; });
    const auto fitting = static_cast<std::size_t>(above - places_.begin());
    const std::size_t place = fitting == next ? next : fitting - 1;
    part_boxes_.push_back(places_[place].begun - ended);
    if (place + 1 == places_.size()) return true;
    if (chosen_.size() + 1 == BoxNode::kMaxChildren) return false;
    chosen_.push_back(place);
    ended = places_[place].ended;
    next = place + 1;
  }
}

// Chooses places so that the largest part has as few boxes as can be, or a leaf's.
void BoxCutter::divide_evenly(std::size_t boxes) {
  std::size_t low = BoxGroup::kBoxes;
  std::size_t high = std::max(boxes, low);
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (divide(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  divide(low);
}

// The steps that samples will take after a cut, and a little for memory.
double BoxCutter::cost(const BoxCut& cut, std::span<const std::uint32_t> samples) const {
  std::array<double, BoxNode::kMaxChildren> traffic;
  for (std::size_t part = 0; part < cut.parts(); ++part) {
    traffic[part] = kUnsampledTraffic * static_cast<double>(part_boxes_[part]);
  }
  for (const std::uint32_t index : samples) {
    traffic[cut.part_of(samples_[index][cut.dimension])] += 1;
  }
  double steps = 0;
  double total = 0;
  double leaves = 0;
  for (std::size_t part = 0; part < cut.parts(); ++part) {
    const Estimate& estimate = estimates_[part_boxes_[part]];
    steps += traffic[part] * static_cast<double>(estimate.steps);
    total += traffic[part];
    leaves += static_cast<double>(estimate.leaves);
  }
  return std::log(steps / total) + kMemoryWeight * std::log(leaves);
}

BoxCut BoxCutter::best(const BoxRegion& region, std::span<const std::uint32_t> boxes,
                       std::span<const std::uint32_t> samples,
                       std::optional<BoxDimension> preferred) {
  BoxCut best;
  double lowest = 0;
  for (const BoxDimension dimension : kAllBoxDimensions) {
    if (!find_places(region, boxes, dimension)) continue;
    divide_evenly(boxes.size());
    if (*std::max_element(part_boxes_.begin(), part_boxes_.end()) == boxes.size()) continue;
    BoxCut cut = {dimension, {}};
    for (const std::size_t place : chosen_) cut.last.push_back(places_[place].last);
    const double cut_cost = cost(cut, samples) - (dimension == preferred ? kPreference : 0);
    if (best.parts() > 1 && cut_cost >= lowest) continue;
    best = std::move(cut);
    lowest = cut_cost;
  }
  return best;
}

}  // namespace afxfw
