#include "engine/rate_meter.h"

#include <gtest/gtest.h>

#include <chrono>

namespace afxfw {
namespace {

using namespace std::chrono_literals;

WorkerCounters counters(std::uint64_t received, std::uint64_t bytes) {
  WorkerCounters result;
  result.received = received;
  result.bytes = bytes;
  return result;
}

TEST(RateMeter, MeasuresWhatWasCountedSinceTheLastTime) {
  const RateMeter::Clock::time_point start{};
  RateMeter meter(start);
  EXPECT_EQ(meter.of(0).received, 0);
  meter.update(start + 1s, {counters(1000, 60'000), counters(0, 0)});
  EXPECT_DOUBLE_EQ(meter.of(0).received, 1000);
  EXPECT_DOUBLE_EQ(meter.of(0).bits, 480'000);
  EXPECT_DOUBLE_EQ(meter.of(1).received, 0);
  meter.update(start + 3s, {counters(1500, 60'000), counters(40, 0)});
  EXPECT_DOUBLE_EQ(meter.of(0).received, 250);
  EXPECT_DOUBLE_EQ(meter.of(0).bits, 0);
  EXPECT_DOUBLE_EQ(meter.of(1).received, 20);
}

TEST(RateMeter, ToldTooOftenItWaits) {
  const RateMeter::Clock::time_point start{};
  RateMeter meter(start);
  meter.update(start + 10ms, {counters(1000, 0)});
  EXPECT_EQ(meter.of(0).received, 0);
  meter.update(start + 1s, {counters(1000, 0)});
  EXPECT_DOUBLE_EQ(meter.of(0).received, 1000);
}

}  // namespace
}  // namespace afxfw
