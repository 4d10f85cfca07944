#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

#include "pktgen/pacer.h"

namespace afxfw::pktgen {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Clock::time_point kStart{seconds(1000)};

TEST(PktgenPacer, OwesTheFirstFrameAtOnce) {
  const Pacer pacer(kStart, 10);
  EXPECT_EQ(pacer.due(kStart - seconds(1)), 0U);
  EXPECT_EQ(pacer.due(kStart), 1U);
  EXPECT_EQ(pacer.due(kStart + milliseconds(99)), 1U);
  EXPECT_EQ(pacer.due(kStart + milliseconds(100)), 2U);
}

TEST(PktgenPacer, KeepsTheRateForDays) {
  const Pacer pacer(kStart, 1'000'000'000);
  EXPECT_EQ(pacer.due(kStart + hours(1000)), 1'000'000'000ULL * 3600 * 1000 + 1);
}

TEST(PktgenPacer, WaitsUntilAWholeBurstIsDue) {
  for (const std::uint64_t rate :
       {1ULL, 7ULL, 1999ULL, 100'000ULL, 3'333'333ULL, 1'000'000'000ULL}) {
    const Pacer pacer(kStart, rate);
    for (const std::uint64_t sent : {0ULL, 1ULL, 1000ULL, 123'456'789ULL}) {
      const auto wake = pacer.next_burst(sent);
      EXPECT_GE(pacer.due(wake), sent + pacer.burst()) << rate << " after " << sent;
      EXPECT_LT(pacer.due(wake - microseconds(1)), sent + pacer.burst() + 1)
          << rate << " after " << sent;
    }
  }
}

TEST(PktgenPacer, SendsSmallBursts) {
  EXPECT_EQ(Pacer(kStart, 100).burst(), 1U);
  EXPECT_EQ(Pacer(kStart, 100'000).burst(), 50U);
  EXPECT_EQ(Pacer(kStart, 10'000'000).burst(), 256U);
}

}  // namespace
}  // namespace afxfw::pktgen
