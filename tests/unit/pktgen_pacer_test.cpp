#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

#include "pktgen/pacer.h"
#include "pktgen/progress_line.h"

namespace afxfw::pktgen {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Clock::time_point kStart{seconds(1000)};

TEST(PktgenPacer, OwesTheFirstFrameAtOnce) {
  const Pacer pacer(kStart, {.rate = 10});
  EXPECT_EQ(pacer.due(kStart - seconds(1)), 0U);
  EXPECT_EQ(pacer.due(kStart), 1U);
  EXPECT_EQ(pacer.due(kStart + milliseconds(99)), 1U);
  EXPECT_EQ(pacer.due(kStart + milliseconds(100)), 2U);
}

TEST(PktgenPacer, KeepsTheRateForDays) {
  const Pacer pacer(kStart, {.rate = 1'000'000'000});
  EXPECT_EQ(pacer.due(kStart + hours(1000)), 1'000'000'000ULL * 3600 * 1000 + 1);
}

TEST(PktgenPacer, WaitsUntilAWholeBurstIsDue) {
  for (const std::uint64_t rate :
       {1ULL, 7ULL, 1999ULL, 100'000ULL, 3'333'333ULL, 1'000'000'000ULL}) {
    const Pacer pacer(kStart, {.rate = rate});
    for (const std::uint64_t sent : {0ULL, 1ULL, 1000ULL, 123'456'789ULL}) {
      const auto wake = pacer.next_burst(sent);
      EXPECT_GE(pacer.due(wake), sent + pacer.burst()) << rate << " after " << sent;
      EXPECT_LT(pacer.due(wake - microseconds(1)), sent + pacer.burst() + 1)
          << rate << " after " << sent;
    }
  }
}

TEST(PktgenPacer, SendsSmallBursts) {
  EXPECT_EQ(Pacer(kStart, {.rate = 100}).burst(), 1U);
  EXPECT_EQ(Pacer(kStart, {.rate = 100'000}).burst(), 50U);
  EXPECT_EQ(Pacer(kStart, {.rate = 10'000'000}).burst(), 256U);
}

TEST(PktgenPacer, SendsAsManyAtOnceAsAsked) {
  const Pacer pacer(kStart, {.rate = 100'000, .burst = 4});
  EXPECT_EQ(pacer.next_burst(0), kStart + microseconds(30));
  EXPECT_EQ(pacer.next_burst(4), kStart + microseconds(70));
}

TEST(PktgenPacer, LetsThreadsTakeTurns) {
  for (const std::uint64_t rate : {10ULL, 999'983ULL}) {
    for (const auto& at : {microseconds(0), microseconds(123'457), microseconds(7'654'321)}) {
      const std::uint64_t all = Pacer(kStart, {.rate = rate}).due(kStart + at);
      std::uint64_t sum = 0;
      for (std::uint64_t lane = 0; lane < 3; ++lane) {
        sum += Pacer(kStart, {.rate = rate, .first = lane, .stride = 3}).due(kStart + at);
      }
      EXPECT_EQ(sum, all);
    }
  }
  const Pacer second(kStart, {.rate = 10, .first = 1, .stride = 3});
  EXPECT_EQ(second.when(0), kStart + milliseconds(100));
  EXPECT_EQ(second.when(1), kStart + milliseconds(400));
}

TEST(PktgenPacer, KnowsTheFramesOfATime) {
  EXPECT_EQ(frames_within(seconds(10), 100'000), 1'000'000U);
  EXPECT_EQ(frames_within(milliseconds(500), 3), 2U) << "at 0 and 1/3 s";
  EXPECT_EQ(frames_within(milliseconds(100), 1'000'000'000), 100'000'000U);
  EXPECT_EQ(frames_within(hours(10000), 1'000'000'000), 36'000'000ULL * 1'000'000'000);
  EXPECT_EQ(frames_within(std::chrono::nanoseconds(1), 1), 1U);
}

TEST(PktgenProgress, SaysWhatIsLeft) {
  EXPECT_EQ(progress_text("sent", {1'234'567, 2'000'000}, 95'679.1),
            "1,234,567 of 2,000,000 packets sent, 95.7 k/s, 8 s left");
  EXPECT_EQ(progress_text("received", {5, std::nullopt}, 0), "5 packets received, 0/s");
}

}  // namespace
}  // namespace afxfw::pktgen
