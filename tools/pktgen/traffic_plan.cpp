#include "pktgen/traffic_plan.h"

#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "pktgen/clock.h"

namespace afxfw::pktgen {

namespace {

// The small ones as far apart as they can be.
constexpr std::array<std::uint8_t, PKTGEN_PATTERN> kImixPattern = {0, 1, 0, 0, 1, 0,
                                                                   2, 0, 1, 0, 0, 1};

class GeneratedFrames : public FrameSource {
 public:
  explicit GeneratedFrames(const TrafficPlan& plan) : plan_(plan) {}

  [[nodiscard]] std::uint32_t largest_bytes() const noexcept override {
    return plan_.largest_bytes();
  }

  void write(std::span<FrameSlot> slots) noexcept override {
    for (FrameSlot& slot : slots) {
      // Behind headers and stamp, which all sizes have in the same places, are zeros.
      const FramePlan& plan = plan_.sizes[size_of(plan_, slot.index)];
      pktgen_fields fields;
      pktgen_packet_fields(&plan.packet, slot.index, &fields);
      // A clock read for each: a packet's place in its batch would show in the latencies.
      if (plan.packet.stamped != 0) fields.stamp.time_ns = monotonic_ns();
      pktgen_write_headers(reinterpret_cast<std::uint8_t*>(slot.bytes), &plan.packet, &fields);
      slot.length = static_cast<std::uint32_t>(plan.frame.size());
    }
  }

 private:
  const TrafficPlan& plan_;
};

class CapturedFrames : public FrameSource {
 public:
  explicit CapturedFrames(std::shared_ptr<const Capture> capture) : capture_(std::move(capture)) {}

  [[nodiscard]] std::uint32_t largest_bytes() const noexcept override {
    return capture_->largest_bytes();
  }

  void write(std::span<FrameSlot> slots) noexcept override {
    for (FrameSlot& slot : slots) {
      const std::span<const std::byte> frame = capture_->frame(slot.index % capture_->size());
      std::memcpy(slot.bytes, frame.data(), frame.size());
      slot.length = static_cast<std::uint32_t>(frame.size());
    }
  }

 private:
  std::shared_ptr<const Capture> capture_;
};

TrafficPlan plan_imix(TrafficOptions traffic, const MacAddress& source_mac) {
  TrafficPlan plan;
  plan.pattern.assign(kImixPattern.begin(), kImixPattern.end());
  const std::uint32_t tag = traffic.vlan_id ? 4 : 0;
  for (const std::uint32_t bytes : {0U, kImixMiddleBytes + tag, kImixLargeBytes + tag}) {
    traffic.frame_bytes = bytes;
    plan.sizes.push_back(plan_frames(traffic, source_mac));
  }
  return plan;
}

}  // namespace

std::uint32_t TrafficPlan::largest_bytes() const noexcept {
  return capture ? capture->largest_bytes() : static_cast<std::uint32_t>(sizes.back().frame.size());
}

TrafficPlan plan_traffic(const Options& options, const MacAddress& source_mac) {
  TrafficPlan plan;
  if (options.capture) {
    plan.capture = std::make_shared<const Capture>(read_capture(*options.capture));
  } else if (options.traffic.imix) {
    plan = plan_imix(options.traffic, source_mac);
  } else {
    plan.sizes.push_back(plan_frames(options.traffic, source_mac));
    plan.pattern.push_back(0);
  }
  return plan;
}

std::uint8_t size_of(const TrafficPlan& plan, std::uint64_t index) noexcept {
  if (plan.pattern.size() == 1) return plan.pattern.front();
  const std::uint64_t place = pktgen_pattern_place(&plan.sizes.front().packet, index);
  return plan.pattern[place % plan.pattern.size()];
}

std::unique_ptr<FrameSource> make_source(const TrafficPlan& plan) {
  if (plan.capture) return std::make_unique<CapturedFrames>(plan.capture);
  return std::make_unique<GeneratedFrames>(plan);
}

}  // namespace afxfw::pktgen
