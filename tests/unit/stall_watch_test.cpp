#include "engine/stall_watch.h"

#include <gmock/gmock.h>

namespace afxfw {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

StallWatch::TimePoint at(int second) { return StallWatch::TimePoint{seconds(1000 + second)}; }
constexpr int kLimit = static_cast<int>(StallWatch::kLimit.count());

TEST(StallWatch, AWorkerThatMovesIsNotStalled) {
  StallWatch watch(1);
  for (int second = 0; second < 100; ++second) {
    EXPECT_THAT(watch.update({static_cast<unsigned>(second)}, at(second)), IsEmpty());
    EXPECT_THAT(watch.stalled(), IsEmpty());
  }
}

TEST(StallWatch, FindsTheOneThatStandsStillAndTellsOfItOnce) {
  StallWatch watch(2);
  int told = 0;
  for (int second = 0; second < 100; ++second) {
    const auto newly = watch.update({static_cast<unsigned>(second), 7}, at(second));
    if (second < kLimit) {
      EXPECT_THAT(watch.stalled(), IsEmpty()) << second;
    } else {
      EXPECT_THAT(watch.stalled(), ElementsAre(1)) << second;
    }
    told += static_cast<int>(newly.size());
  }
  EXPECT_EQ(told, 1);
}

TEST(StallWatch, OneThatRunsAgainIsWell) {
  StallWatch watch(1);
  (void)watch.update({7}, at(0));
  EXPECT_THAT(watch.update({7}, at(kLimit)), ElementsAre(0));
  EXPECT_THAT(watch.update({8}, at(kLimit + 1)), IsEmpty());
  EXPECT_THAT(watch.stalled(), IsEmpty());
  EXPECT_THAT(watch.update({8}, at(2 * kLimit + 1)), ElementsAre(0)) << "told again";
}

TEST(StallWatch, HasNoHistoryAtTheFirstLook) {
  StallWatch watch(1);
  EXPECT_THAT(watch.update({0}, at(1000)), IsEmpty());
}

}  // namespace
}  // namespace afxfw
