#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "rules/box_region.h"

namespace afxfw {

/// A way to divide a region in one dimension.
struct BoxCut {
  BoxDimension dimension = kSource;
  /// The last coordinate of each part but the final one.
  std::vector<std::uint32_t> last;

  [[nodiscard]] std::size_t parts() const { return last.size() + 1; }
  [[nodiscard]] std::size_t part_of(std::uint32_t coordinate) const {
    std::size_t part = 0;
    for (const std::uint32_t end : last) part += end < coordinate ? 1 : 0;
    return part;
  }
};

/// Finds cuts. Keeps its buffers from one to the next.
class BoxCutter {
 public:
  /// Both must outlive it.
  BoxCutter(std::span<const RuleBox> boxes, std::span<const BoxPoint> samples);

  /// Of the cuts that divide a region, where boxes begin or end, into at most
  /// BoxNode::kMaxChildren parts of about as many boxes each, the one in the best
  /// dimension. Of one part if each would leave a part with all of the boxes.
  /// boxes, samples: indices of those in the region. preferred: the root's dimension
  /// for its children, since a BoxJumpTable makes such steps nearly free.
  [[nodiscard]] BoxCut best(const BoxRegion& region, std::span<const std::uint32_t> boxes,
                            std::span<const std::uint32_t> samples,
                            std::optional<BoxDimension> preferred);

 private:
  /// Where the region can be cut: the last coordinate before, how many boxes begin
  /// up to it, and how many end there or before.
  struct Place {
    std::uint32_t last;
    std::uint32_t begun;
    std::uint32_t ended;
  };
  /// Guesses for a number of boxes.
  struct Estimate {
    float steps;   // of a look-up
    float leaves;  // that they will take
  };

  bool find_places(const BoxRegion& region, std::span<const std::uint32_t> boxes,
                   BoxDimension dimension);
  bool divide(std::size_t limit);
  void divide_evenly(std::size_t boxes);
  [[nodiscard]] double cost(const BoxCut& cut, std::span<const std::uint32_t> samples) const;

  std::span<const RuleBox> boxes_;
  std::span<const BoxPoint> samples_;
  std::vector<Estimate> estimates_;
  std::vector<std::uint32_t> begins_;
  std::vector<std::uint32_t> ends_;
  std::vector<Place> places_;
  /// Of the cut being tried, the places, and how many boxes each part has.
  std::vector<std::size_t> chosen_;
  std::vector<std::size_t> part_boxes_;
};

}  // namespace afxfw
