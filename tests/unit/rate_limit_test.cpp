#include "util/rate_limit.h"

#include <gtest/gtest.h>

namespace afxfw {
namespace {

using std::chrono::seconds;

RateLimit::TimePoint at(int second) { return RateLimit::TimePoint{seconds(1000 + second)}; }

TEST(RateLimit, LetsSoManyThroughAndCountsTheRest) {
  RateLimit limit(3, seconds(60));
  int allowed = 0;
  for (int second = 0; second < 60; ++second) allowed += limit.allow(at(second)) ? 1 : 0;
  EXPECT_EQ(allowed, 3);
  EXPECT_EQ(limit.take_suppressed(), 57U);
  EXPECT_EQ(limit.take_suppressed(), 0U) << "told once";
}

TEST(RateLimit, LetsMoreThroughInTheNextInterval) {
  RateLimit limit(1, seconds(60));
  EXPECT_TRUE(limit.allow(at(0)));
  EXPECT_FALSE(limit.allow(at(59)));
  EXPECT_TRUE(limit.allow(at(60)));
  EXPECT_FALSE(limit.allow(at(61)));
}

}  // namespace
}  // namespace afxfw
