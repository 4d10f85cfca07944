#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "rules/box.h"

namespace afxfw {

inline constexpr std::array<BoxDimension, kBoxDimensions> kAllBoxDimensions = {
    kSource, kDestination, kSourcePort, kDestinationPort, kProtocol};

/// A BoxKey by dimension.
using BoxPoint = std::array<std::uint32_t, kBoxDimensions>;

/// Inclusive ranges by dimension.
struct BoxRegion {
  BoxPoint low;
  BoxPoint high;
};

inline constexpr BoxRegion kEverywhere = {
    .low = {}, .high = {0xffff'ffff, 0xffff'ffff, 0xffff, 0xffff, 0xffff}};

/// A Box by dimension.
struct RuleBox {
  BoxRegion region;
  std::uint32_t rule;
};

}  // namespace afxfw
