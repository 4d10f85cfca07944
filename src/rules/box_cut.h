#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "rules/box.h"

namespace afxfw {

/// Inclusive ranges by dimension.
struct BoxRegion {
  std::array<std::uint32_t, kBoxDimensions> low;
  std::array<std::uint32_t, kBoxDimensions> high;
};

/// A box as the trees are built from.
struct RuleBox {
  BoxRegion region;
  std::uint32_t rule;
};

/// A way to divide a region in one dimension.
struct BoxCut {
  std::uint32_t dimension = 0;
  /// The last coordinate of each part but the final one.
  std::vector<std::uint32_t> last;
  /// How many boxes each part has, the final one included.
  std::vector<std::size_t> boxes;
  /// What the parts will cost: lower is better.
  double cost = 0;
};

/// Finds cuts. Keeps its buffers from one to the next.
class BoxCutter {
 public:
  explicit BoxCutter(std::span<const RuleBox> boxes) : boxes_(boxes) {}

  /// The best cut of a region into at most BoxNode::kMaxChildren parts, where the
  /// boxes of those indices, all of which it meets, begin and end. Without parts if
  /// no cut separates them.
  [[nodiscard]] BoxCut best(const BoxRegion& region, std::span<const std::uint32_t> indices);

 private:
  bool collect(const BoxRegion& region, std::span<const std::uint32_t> indices,
               std::uint32_t dimension);
  bool divide(std::size_t limit);

  std::span<const RuleBox> boxes_;
  /// Sorted: coordinates after which boxes begin or end.
  std::vector<std::uint32_t> begins_;
  std::vector<std::uint32_t> ends_;
  /// Where the region can be cut: the coordinate, how many boxes begin up to it, and
  /// how many end there or before.
  struct Place {
    std::uint32_t last;
    std::uint32_t begun;
    std::uint32_t ended;
  };
  std::vector<Place> places_;
  /// Of the cut being tried: indices of places.
  std::vector<std::size_t> chosen_;
};

}  // namespace afxfw
