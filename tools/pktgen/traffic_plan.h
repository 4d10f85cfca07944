#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pktgen/capture.h"
#include "pktgen/frame_plan.h"
#include "pktgen/frame_source.h"
#include "pktgen/options.h"

namespace afxfw::pktgen {

/// What a run sends: generated packets of one or more sizes, or a capture's.
struct TrafficPlan {
  std::vector<FramePlan> sizes;  ///< of generated packets, ascending; at least one
  /// Which of the sizes packets have, in turn (see size_of); at least one.
  std::vector<std::uint8_t> pattern;
  std::shared_ptr<const Capture> capture;  ///< if not null, sizes and pattern are empty

  [[nodiscard]] std::uint32_t largest_bytes() const noexcept;
};

/// Frames of the simple IMIX, seven small ones, four middle ones, one large one:
/// 64, 594 and 1518 bytes on Ethernet with FCS, so 60, 590 and 1514 here (IP
/// packets of 40, 576 and 1500 bytes); a VLAN tag adds 4. Where the headers and
/// the stamp do not fit the small one, it is as long as they are.
inline constexpr std::uint32_t kImixMiddleBytes = 590;
inline constexpr std::uint32_t kImixLargeBytes = 1514;

/// source_mac: as for plan_frames. Throws Error.
[[nodiscard]] TrafficPlan plan_traffic(const Options& options, const MacAddress& source_mac);

/// Which of plan.sizes packet `index` has. Each flow goes through the whole pattern,
/// and the flows are spread over it.
[[nodiscard]] std::uint8_t size_of(const TrafficPlan& plan, std::uint64_t index) noexcept;

/// The plan must outlive it.
[[nodiscard]] std::unique_ptr<FrameSource> make_source(const TrafficPlan& plan);

}  // namespace afxfw::pktgen
