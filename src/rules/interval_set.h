#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rules/nft_value.h"

namespace afxfw {

/// Values as intervals: sorted, disjoint, not touching.
class IntervalSet {
 public:
  IntervalSet() = default;
  /// In any order; they may overlap.
  explicit IntervalSet(std::vector<nft::Interval> intervals);

  /// All values of `bits` bits that this one does not have.
  [[nodiscard]] IntervalSet complement(unsigned bits) const;
  [[nodiscard]] IntervalSet intersection(const IntervalSet& other) const;

  [[nodiscard]] bool contains(nft::Value value) const noexcept;
  /// All values of the other one.
  [[nodiscard]] bool contains(const IntervalSet& other) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return intervals_.empty(); }
  [[nodiscard]] std::span<const nft::Interval> intervals() const noexcept { return intervals_; }

  friend bool operator==(const IntervalSet&, const IntervalSet&) = default;

 private:
  std::vector<nft::Interval> intervals_;
};

}  // namespace afxfw
