#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "pktgen/capture.h"
#include "pktgen/traffic_plan.h"
#include "pktgen_packets.h"

namespace afxfw::pktgen {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

Options imix_options(std::uint32_t flows) {
  Options options;
  options.traffic = ipv4_traffic();
  options.traffic.imix = true;
  options.traffic.flows = flows;
  return options;
}

/// Packet `index` as an AF_XDP sender makes it.
Bytes sent(FrameSource& source, std::uint64_t index) {
  Bytes memory(source.largest_bytes());
  std::array<FrameSlot, 1> slot = {{{index, reinterpret_cast<std::byte*>(memory.data()), 0}}};
  source.write(slot);
  return slice(memory, 0, slot[0].length);
}

TEST(PktgenImix, HasTheSameMixInEachFlow) {
  for (const std::uint32_t flows : {1U, 5U, 12U, 24U, 1024U}) {
    const TrafficPlan plan = plan_traffic(imix_options(flows), kSourceMac);
    std::map<std::uint64_t, std::array<int, 3>> of_flow;
    for (std::uint64_t index = 0; index < 12ULL * flows; ++index) {
      ++of_flow[index % flows][size_of(plan, index)];
    }
    for (const auto& [flow, counts] : of_flow) {
      EXPECT_EQ(counts, (std::array<int, 3>{7, 4, 1})) << flow << " of " << flows;
    }
  }
}

TEST(PktgenImix, IsMixedAtAnyTime) {
  const TrafficPlan plan = plan_traffic(imix_options(0), kSourceMac);
  for (std::uint64_t start = 0; start < 100; ++start) {
    std::array<int, 3> counts{};
    for (std::uint64_t index = start; index < start + 12; ++index) ++counts[size_of(plan, index)];
    EXPECT_EQ(counts, (std::array<int, 3>{7, 4, 1}));
  }
}

TEST(PktgenImix, HasRightLengthsAndChecksums) {
  for (const bool stamped : {false, true}) {
    Options options = imix_options(7);
    options.traffic.stamped = stamped;
    const TrafficPlan plan = plan_traffic(options, kSourceMac);
    const auto source = make_source(plan);
    std::set<std::size_t> sizes;
    for (std::uint64_t index = 0; index < 200; ++index) {
      const Bytes frame = sent(*source, index);
      sizes.insert(frame.size());
      const Dissected seen = dissect(frame);
      EXPECT_EQ(ones_complement_sum(seen.ip_header), 0xffff);
      EXPECT_EQ(ones_complement_sum(seen.pseudo_header(seen.data.size()) + seen.data), 0xffff);
    }
    EXPECT_EQ(sizes, (std::set<std::size_t>{60, 590, 1514}));
  }
}

TEST(PktgenImix, MakesRoomForAVlanTagAndForHeaders) {
  Options options = imix_options(1);
  options.traffic.vlan_id = 5;
  options.traffic.protocol = Protocol::kTcp;
  options.traffic.stamped = true;
  const TrafficPlan plan = plan_traffic(options, kSourceMac);
  EXPECT_EQ(plan.sizes[0].frame.size(), 18U + 20 + 20 + 18);
  EXPECT_EQ(plan.sizes[1].frame.size(), 594U);
  EXPECT_EQ(plan.sizes[2].frame.size(), 1518U);
}

Capture capture_of(const std::vector<nanoseconds>& times) {
  Capture capture;
  for (const nanoseconds time : times) {
    const std::vector<std::byte> frame(14 + capture.size(), std::byte{7});
    capture.add(frame, time);
  }
  return capture;
}

TEST(PktgenCapture, KeepsFramesAndTimes) {
  const Capture capture = capture_of({milliseconds(0), milliseconds(5), milliseconds(3)});
  EXPECT_EQ(capture.size(), 3U);
  EXPECT_EQ(capture.frame(1).size(), 15U);
  EXPECT_EQ(capture.largest_bytes(), 16U);
  EXPECT_EQ(capture.time(2), milliseconds(5)) << "never back in time";
}

const Clock::time_point kStart{std::chrono::seconds(1000)};

TEST(PktgenCaptureSchedule, KeepsTheCapturesTimes) {
  const CaptureSchedule schedule(
      kStart, capture_of({milliseconds(0), milliseconds(10), milliseconds(10), milliseconds(30)}),
      1);
  EXPECT_EQ(schedule.due(kStart - nanoseconds(1)), 0U);
  EXPECT_EQ(schedule.due(kStart), 1U);
  EXPECT_EQ(schedule.due(kStart + milliseconds(10)), 3U);
  EXPECT_EQ(schedule.due(kStart + milliseconds(29)), 3U);
  EXPECT_EQ(schedule.when(3), kStart + milliseconds(30));
  // 30 ms and a gap of 10 ms, which is the average of three.
  EXPECT_EQ(schedule.when(4), kStart + milliseconds(40));
  EXPECT_EQ(schedule.due(kStart + milliseconds(50)), 7U);
  EXPECT_EQ(schedule.due(kStart + milliseconds(40 * 1000)), 4001U);
}

TEST(PktgenCaptureSchedule, IsFasterOrSlower) {
  const Capture capture = capture_of({milliseconds(0), milliseconds(10)});
  EXPECT_EQ(CaptureSchedule(kStart, capture, 4).when(1), kStart + nanoseconds(2'500'000));
  EXPECT_EQ(CaptureSchedule(kStart, capture, 0.5).when(1), kStart + milliseconds(20));
}

TEST(PktgenCaptureSchedule, AgreesWithItself) {
  const CaptureSchedule schedule(
      kStart, capture_of({nanoseconds(0), nanoseconds(7), nanoseconds(1000), nanoseconds(1001)}),
      1.7);
  for (std::uint64_t frame = 0; frame < 1000; ++frame) {
    EXPECT_GT(schedule.due(schedule.when(frame)), frame);
    EXPECT_LE(schedule.due(schedule.when(frame) - nanoseconds(1)), frame);
  }
}

TEST(PktgenCaptureSchedule, OfOneFrameSendsItAgainAtOnce) {
  const CaptureSchedule schedule(kStart, capture_of({nanoseconds(0)}), 1);
  EXPECT_GE(schedule.due(kStart + milliseconds(1)), 1'000'000U);
}

}  // namespace
}  // namespace afxfw::pktgen
