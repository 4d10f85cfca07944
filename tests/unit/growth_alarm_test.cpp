#include "util/growth_alarm.h"

#include <gtest/gtest.h>

namespace afxfw {
namespace {

using std::chrono::seconds;

GrowthAlarm::TimePoint at(int second) { return GrowthAlarm::TimePoint{seconds(1000 + second)}; }

TEST(GrowthAlarm, IsQuietWhileNothingGrows) {
  GrowthAlarm alarm;
  for (int second = 0; second < 200; ++second) EXPECT_FALSE(alarm.update(0, at(second)));
}

TEST(GrowthAlarm, ReportsTheFirstGrowthAtOnce) {
  GrowthAlarm alarm;
  EXPECT_FALSE(alarm.update(0, at(0)));
  const auto growth = alarm.update(7, at(1));
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->amount, 7U);
  EXPECT_EQ(growth->seconds, 1);
}

TEST(GrowthAlarm, GathersWhatFollowsForAMinute) {
  GrowthAlarm alarm;
  (void)alarm.update(0, at(0));
  ASSERT_TRUE(alarm.update(10, at(1)));
  for (int second = 2; second < 61; ++second) {
    EXPECT_FALSE(alarm.update(10U + static_cast<unsigned>(second), at(second))) << second;
  }
  const auto growth = alarm.update(110, at(61));
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->amount, 100U);
  EXPECT_EQ(growth->seconds, 60);
}

TEST(GrowthAlarm, StartsAnewAfterAQuietTime) {
  GrowthAlarm alarm;
  (void)alarm.update(0, at(0));
  ASSERT_TRUE(alarm.update(10, at(1)));
  EXPECT_FALSE(alarm.update(10, at(500)));
  const auto growth = alarm.update(11, at(502));
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->amount, 1U);
  EXPECT_EQ(growth->seconds, 2) << "not since the last report";
}

TEST(GrowthAlarm, WhatWasThereBeforeTheFirstLookHasNoTime) {
  GrowthAlarm alarm;
  const auto growth = alarm.update(5, at(0));
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->seconds, 0);
}

}  // namespace
}  // namespace afxfw
