#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rules/box.h"

namespace afxfw {

/// What BoxClassifier must answer, found by comparing a key with one box after the
/// other; quick enough for a million keys because compilers turn it into SIMD code.
class LinearScan {
 public:
  /// boxes: sorted by rule.
  explicit LinearScan(const std::vector<Box>& boxes);

  /// The lowest rule from `from` on whose box contains the key, or kNoBoxRule.
  [[nodiscard]] std::uint32_t first(const BoxKey& key, std::uint32_t from = 0) const;

 private:
  template <typename Coordinate>
  struct Ranges {
    std::vector<Coordinate> low;
    std::vector<Coordinate> high;

    void add(Coordinate range_low, Coordinate range_high) {
      low.push_back(range_low);
      high.push_back(range_high);
    }
    [[nodiscard]] bool contains(std::size_t i, Coordinate key) const {
      return (static_cast<unsigned>(low[i] <= key) & static_cast<unsigned>(key <= high[i])) != 0;
    }
  };

  Ranges<std::uint32_t> source_;
  Ranges<std::uint32_t> destination_;
  Ranges<std::uint16_t> source_port_;
  Ranges<std::uint16_t> destination_port_;
  Ranges<std::uint16_t> protocol_;
  std::vector<std::uint32_t> rule_;
};

}  // namespace afxfw
