#include "rules/box_cut.h"

#include <algorithm>
#include <cmath>

#include "rules/box_tree.h"

namespace afxfw {
namespace {

double subtree_cost(std::size_t boxes) {
  const double groups = static_cast<double>(boxes) / BoxGroup::kBoxes;
  return groups <= 1 ? 1 : std::pow(groups, 1.25);
}

}  // namespace

bool BoxCutter::collect(const BoxRegion& region, std::span<const std::uint32_t> indices,
                        std::uint32_t dimension) {
  begins_.clear();
  ends_.clear();
  const std::uint32_t low = region.low[dimension];
  const std::uint32_t high = region.high[dimension];
  for (const std::uint32_t index : indices) {
    const BoxRegion& box = boxes_[index].region;
    if (box.low[dimension] > low) begins_.push_back(box.low[dimension] - 1);
    if (box.high[dimension] < high) ends_.push_back(box.high[dimension]);
  }
  if (begins_.empty() && ends_.empty()) return false;
  std::sort(begins_.begin(), begins_.end());
  std::sort(ends_.begin(), ends_.end());
  places_.clear();
  auto begun = static_cast<std::uint32_t>(indices.size() - begins_.size());
  std::size_t b = 0;
  std::size_t e = 0;
  while (b < begins_.size() || e < ends_.size()) {
    const std::uint32_t last =
        e == ends_.size() || (b < begins_.size() && begins_[b] < ends_[e]) ? begins_[b] : ends_[e];
    while (e < ends_.size() && ends_[e] == last) ++e;
    // begun counts boxes whose first coordinate is at most `last`.
    places_.push_back({last, begun + static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(e)});
    while (b < begins_.size() && begins_[b] == last) ++b;
  }
  // The end of the region, where no cut is needed.
  places_.push_back({high, static_cast<std::uint32_t>(indices.size()), 0});
  return true;
}

// Fills parts with up to `limit` boxes each, where that can be; false if that takes
// too many parts.
bool BoxCutter::divide(std::size_t limit) {
  chosen_.clear();
  std::size_t next = 0;
  std::size_t ended = 0;
  while (true) {
    const auto above =
        std::partition_point(places_.begin() + static_cast<std::ptrdiff_t>(next), places_.end(),
                             [&](const Place& place) { return place.begun <= limit + ended; });
    const auto found = static_cast<std::size_t>(above - places_.begin());
    const std::size_t place = found == next ? next : found - 1;
    if (place + 1 >= places_.size()) return true;
    if (chosen_.size() + 1 == BoxNode::kMaxChildren) return false;
    chosen_.push_back(place);
    ended = places_[place].ended;
    next = place + 1;
  }
}

BoxCut BoxCutter::best(const BoxRegion& region, std::span<const std::uint32_t> indices) {
  BoxCut best;
  for (std::uint32_t dimension = 0; dimension < kBoxDimensions; ++dimension) {
    if (!collect(region, indices, dimension)) continue;
    std::size_t low = BoxGroup::kBoxes;
    std::size_t high = std::max(indices.size(), low);
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (divide(middle)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    if (!divide(low) || chosen_.empty()) continue;
    BoxCut cut;
    cut.dimension = dimension;
    std::size_t ended = 0;
    for (const std::size_t place : chosen_) {
      cut.last.push_back(places_[place].last);
      cut.boxes.push_back(places_[place].begun - ended);
      ended = places_[place].ended;
    }
    cut.boxes.push_back(indices.size() - ended);
    for (const std::size_t boxes : cut.boxes) cut.cost += subtree_cost(boxes);
    if (best.last.empty() || cut.cost < best.cost) best = std::move(cut);
  }
  return best;
}

}  // namespace afxfw
