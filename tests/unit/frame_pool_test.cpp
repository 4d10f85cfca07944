#include "xsk/frame_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <set>
#include <vector>

namespace afxfw {
namespace {

constexpr std::uint32_t kFrames = 64;
constexpr std::uint32_t kFrameSize = 2048;

std::vector<std::uint64_t> take(FramePool& pool, std::size_t count) {
  std::vector<std::uint64_t> addresses(count);
  pool.take_for_fill(addresses);
  return addresses;
}

TEST(FramePool, HandsOutEachFrameOnce) {
  FramePool pool(kFrames, kFrameSize);
  const auto addresses = take(pool, kFrames);
  std::set<std::uint64_t> expected;
  for (std::uint64_t i = 0; i < kFrames; ++i) expected.insert(i * kFrameSize);
  EXPECT_EQ(std::set(addresses.begin(), addresses.end()), expected);
  EXPECT_EQ(pool.available(), 0U);
  EXPECT_EQ(pool.receiving(), kFrames);
}

TEST(FramePool, AddressInsideAFrameMeansThatFrame) {
  FramePool pool(kFrames, kFrameSize);
  const std::uint64_t frame = take(pool, 1).front();
  const std::uint64_t packet = frame + 256;  // the kernel's headroom
  ASSERT_TRUE(pool.received(packet));
  pool.release(packet);
  EXPECT_EQ(take(pool, 1).front(), frame);
}

// A worker that gives back what it received gets the same frames in the same order,
// round after round, whatever else is free.
TEST(FramePool, FramesGoRoundInTheirOrder) {
  FramePool pool(kFrames, kFrameSize);
  const auto first = take(pool, 16);
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
  for (int round = 0; round < 3; ++round) {
    for (const std::uint64_t frame : first) {
      ASSERT_TRUE(pool.received(frame));
      pool.release(frame);
    }
    EXPECT_EQ(take(pool, first.size()), first);
  }
}

TEST(FramePool, RefusesAFrameReceivedTwice) {
  FramePool pool(kFrames, kFrameSize);
  const std::uint64_t frame = take(pool, 1).front();
  EXPECT_TRUE(pool.received(frame));
  EXPECT_FALSE(pool.received(frame));
  EXPECT_EQ(pool.in_batch(), 1U);
  EXPECT_TRUE(pool.consistent());
}

TEST(FramePool, RefusesAFrameThatWasNeverGiven) {
  FramePool pool(kFrames, kFrameSize);
  const std::uint64_t given = take(pool, 1).front();
  const std::uint64_t other = given == 0 ? kFrameSize : 0;
  EXPECT_FALSE(pool.received(other));
  EXPECT_TRUE(pool.consistent());
}

TEST(FramePool, RefusesAddressesOutsideTheArea) {
  FramePool pool(kFrames, kFrameSize);
  take(pool, kFrames);
  EXPECT_FALSE(pool.received(std::uint64_t{kFrames} * kFrameSize));
  EXPECT_FALSE(pool.received(~std::uint64_t{0}));
  EXPECT_FALSE(pool.completed(std::uint64_t{kFrames} * kFrameSize));
}

TEST(FramePool, RefusesCompletionOfAFrameNotBeingSent) {
  FramePool pool(kFrames, kFrameSize);
  const std::uint64_t frame = take(pool, 1).front();
  ASSERT_TRUE(pool.received(frame));
  EXPECT_FALSE(pool.completed(frame));
  pool.sent(frame);
  EXPECT_TRUE(pool.completed(frame));
  EXPECT_FALSE(pool.completed(frame));
  EXPECT_EQ(pool.available(), kFrames);
}

TEST(FramePool, QuarantinedFrameIsNeverGivenAgain) {
  FramePool pool(kFrames, kFrameSize);
  const std::uint64_t bad = take(pool, 1).front();
  ASSERT_TRUE(pool.received(bad));
  pool.quarantine(bad);
  EXPECT_EQ(pool.available(), kFrames - 1);
  const auto rest = take(pool, kFrames - 1);
  EXPECT_EQ(std::count(rest.begin(), rest.end(), bad), 0);
  EXPECT_EQ(pool.in_batch(), 0U);
}

// A worker and a kernel that misbehaves now and then, at random: each frame is
// in exactly one place throughout.
TEST(FramePool, EveryFrameIsInOnePlaceThroughRandomTraffic) {
  std::mt19937 random(20260101);
  FramePool pool(kFrames, kFrameSize);
  std::deque<std::uint64_t> kernel_receives;
  std::deque<std::uint64_t> kernel_sends;
  std::uint32_t quarantined = 0;
  const auto below = [&](std::uint32_t bound) {
    return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(random);
  };
  for (int round = 0; round < 20'000; ++round) {
    for (const std::uint64_t address : take(pool, below(pool.available() + 1))) {
      kernel_receives.push_back(address);
    }
    for (auto count = below(static_cast<std::uint32_t>(kernel_receives.size()) + 1); count > 0;
         --count) {
      const std::uint64_t address = kernel_receives.front() + below(kFrameSize);
      kernel_receives.pop_front();
      ASSERT_TRUE(pool.received(address));
      ASSERT_FALSE(pool.received(address)) << "handed out twice";
      const std::uint32_t fate = below(1000);
      if (fate == 0 && quarantined < kFrames / 2) {
        pool.quarantine(address);
        ++quarantined;
      } else if (fate % 2 == 0) {
        pool.release(address);
      } else {
        pool.sent(address);
        kernel_sends.push_back(address);
      }
    }
    for (auto count = below(static_cast<std::uint32_t>(kernel_sends.size()) + 1); count > 0;
         --count) {
      ASSERT_TRUE(pool.completed(kernel_sends.front()));
      kernel_sends.pop_front();
    }
    ASSERT_EQ(pool.in_batch(), 0U);
    ASSERT_EQ(pool.receiving(), kernel_receives.size());
    ASSERT_EQ(pool.sending(), kernel_sends.size());
    ASSERT_EQ(pool.quarantined(), quarantined);
    ASSERT_EQ(pool.available() + pool.receiving() + pool.sending() + quarantined, kFrames);
    if (round % 100 == 0) {
      ASSERT_TRUE(pool.consistent());
    }
  }
}

}  // namespace
}  // namespace afxfw
