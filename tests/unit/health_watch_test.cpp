#include "engine/health_watch.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace afxfw {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::chrono::steady_clock::time_point at(int second) {
  return std::chrono::steady_clock::time_point{seconds(1000 + second)};
}

/// A watch_ of two queues_ that has seen both without a problem.
class HealthWatchTest : public testing::Test {
 protected:
  HealthWatchTest() {
    for (std::uint32_t i = 0; i < queues_.size(); ++i) {
      queues_[i].queue_id = i;
      queues_[i].cpu = static_cast<int>(i) + 4;
    }
    EXPECT_THAT(watch_.check("eth0", queues_, at(0)), IsEmpty());
  }

  std::vector<QueueSnapshot> queues_ = std::vector<QueueSnapshot>(2);
  HealthWatch watch_{2};
};

TEST_F(HealthWatchTest, IsQuietWhileAllGoesWell) {
  queues_[0].counters.received = 1'000'000;
  queues_[0].counters.dropped = 900'000;
  queues_[0].counters.sleeps = 17;
  EXPECT_THAT(watch_.check("eth0", queues_, at(1)), IsEmpty());
}

TEST_F(HealthWatchTest, WarnsOfKernelDropsWithQueueCpuAndWhatHelps) {
  queues_[1].kernel.rx_ring_full = 12'000;
  queues_[1].kernel.rx_dropped = 345;
  EXPECT_THAT(watch_.check("eth0", queues_, at(2)),
              ElementsAre(AllOf(HasSubstr("eth0 queue 1: "),
                                HasSubstr("dropped 12,345 packets in the last 2 s"),
                                HasSubstr("--cpus, now 5"), HasSubstr("--ring-size"))));
}

// A copying kernel drops what it has no frame for: one message, not two.
TEST_F(HealthWatchTest, KernelDropsForWantOfFramesAreOneWarning) {
  queues_[0].kernel.rx_dropped = 10;
  queues_[0].kernel.rx_fill_ring_empty_descs = 10;
  EXPECT_THAT(watch_.check("eth0", queues_, at(2)),
              ElementsAre(AllOf(HasSubstr("dropped 10 packets"), HasSubstr("fill ring"))));
}

TEST_F(HealthWatchTest, WarnsOfAFillRingThatRanEmpty) {
  queues_[0].kernel.rx_fill_ring_empty_descs = 3;
  EXPECT_THAT(watch_.check("eth0", queues_, at(2)),
              ElementsAre(AllOf(HasSubstr("eth0 queue 0: the fill ring ran empty, 3 times"),
                                HasSubstr("--frames"))));
}

TEST_F(HealthWatchTest, WarnsOfAcceptedPacketsThatAreLost) {
  queues_[0].counters.tx_full = 1;
  EXPECT_THAT(watch_.check("eth0", queues_, at(1)),
              ElementsAre(HasSubstr("eth0 queue 0: 1 packets in the last 1 s were accepted but "
                                    "lost, the TX ring being full")));
}

TEST_F(HealthWatchTest, WarnsOfWhatOnlyABugExplains) {
  queues_[1].counters.bad_descriptors = 2;
  EXPECT_THAT(watch_.check("eth0", queues_, at(1)), ElementsAre(HasSubstr("a bug of the driver")));
}

TEST_F(HealthWatchTest, RepeatsALastingProblemOnceAMinute) {
  std::size_t lines = 0;
  for (int second = 1; second <= 180; ++second) {
    queues_[0].kernel.rx_ring_full += 1000;
    lines += watch_.check("eth0", queues_, at(second)).size();
  }
  EXPECT_EQ(lines, 3U);
}

TEST_F(HealthWatchTest, QueuesAreWatchedApart) {
  queues_[0].kernel.rx_ring_full = 1;
  EXPECT_EQ(watch_.check("eth0", queues_, at(1)).size(), 1U);
  queues_[1].kernel.rx_ring_full = 1;
  EXPECT_THAT(watch_.check("eth0", queues_, at(2)), ElementsAre(HasSubstr("queue 1")));
}

}  // namespace
}  // namespace afxfw
