#include "engine/hot_sources.h"

#include <gtest/gtest.h>

#include <array>

#include "harness/packet.h"

namespace afxfw {
namespace {

using namespace std::chrono_literals;
using test::Ethernet;
using test::Ipv4;
using test::Tcp;

// Two workers, in a thread: what they would do when asked is done by hand.
class HotSourcesTest : public testing::Test {
 protected:
  void drop(std::size_t worker, const char* source, int packets) {
    const test::Bytes frame = (Ethernet{} / Ipv4{.source = source} / Tcp{}).bytes();
    const PacketView view = parse(frame);
    const Verdict verdict{Action::kDrop, DropReason::kBlocklist, 0};
    for (int i = 0; i < packets; ++i) workers_.at(worker).count({&view, 1}, {&verdict, 1});
  }

  void tick() {
    now_ += 1s;
    sources_.update(now_);
    for (SourceWindows& each : workers_) each.begin_window_if_asked();
  }

  HotSources::Clock::time_point now_ = HotSources::Clock::time_point{} + 1h;
  std::array<SourceWindows, 2> workers_;
  HotSources sources_{{&workers_[0], &workers_[1]}, now_};
};

TEST_F(HotSourcesTest, NothingIsKnownInTheFirstSecond) {
  drop(0, "198.51.100.7", 5);
  sources_.update(now_);
  const HotSources::Ranking ranking = sources_.rank(now_);
  EXPECT_TRUE(ranking.sources.empty());
  EXPECT_EQ(ranking.seconds, 0);
}

TEST_F(HotSourcesTest, AddsUpWorkersAndSeconds) {
  drop(0, "198.51.100.7", 50);
  drop(1, "198.51.100.7", 20);
  tick();
  drop(1, "198.51.100.8", 60);
  drop(1, "198.51.100.7", 10);
  tick();
  sources_.update(now_);
  const HotSources::Ranking ranking = sources_.rank(now_);
  ASSERT_EQ(ranking.sources.size(), 2U);
  EXPECT_EQ(ranking.packets, 140U);
  EXPECT_DOUBLE_EQ(ranking.seconds, 2);
  EXPECT_EQ(ranking.sources[0].packets, 80U);
  EXPECT_DOUBLE_EQ(ranking.sources[0].rate, 10) << "of the last second";
  EXPECT_EQ(ranking.sources[1].packets, 60U);
}

TEST_F(HotSourcesTest, AFloodThatIsOverIsGoneAfterTenSeconds) {
  drop(0, "198.51.100.7", 50);
  tick();
  for (int second = 1; second < 10; ++second) tick();
  sources_.update(now_);
  EXPECT_EQ(sources_.rank(now_).sources.size(), 1U);
  EXPECT_EQ(sources_.rank(now_).sources.front().rate, 0);
  tick();
  tick();
  EXPECT_TRUE(sources_.rank(now_).sources.empty());
}

TEST_F(HotSourcesTest, AWorkerThatHangsHoldsUpNoOther) {
  drop(0, "198.51.100.7", 5);
  drop(1, "198.51.100.8", 5);
  for (int second = 0; second < 3; ++second) {
    now_ += 1s;
    sources_.update(now_);
    workers_[1].begin_window_if_asked();
  }
  sources_.update(now_);
  const HotSources::Ranking ranking = sources_.rank(now_);
  ASSERT_EQ(ranking.sources.size(), 1U);
  EXPECT_EQ(ranking.sources[0].packets, 5U);
}

}  // namespace
}  // namespace afxfw
