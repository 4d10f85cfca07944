#include "worker/capture_tap.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace afxfw {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kNow = 1'700'000'000'000'000'000;
constexpr std::uint64_t kSecond = 1'000'000'000;

Bytes frame(std::size_t length, unsigned first = 0) {
  Bytes bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>(first + i);
  return bytes;
}

struct Taken {
  CapturedFrame header;
  std::string bytes;
};

/// A batch of one kind of packets, as a worker offers it.
void offer(CaptureTap& tap, std::uint64_t now_ns, DropReason reason, std::uint32_t count,
           std::span<const std::byte> bytes) {
  CaptureTap::BatchCounts packets{};
  packets[static_cast<std::size_t>(reason)] = count;
  for (std::uint32_t left = tap.begin(now_ns, packets); left != 0; --left) {
    tap.take(reason, 9, bytes);
  }
  tap.end();
}

std::vector<Taken> read(CaptureTap& tap) {
  std::vector<Taken> taken;
  tap.read([&](const CapturedFrame& header, std::span<const char> bytes) {
    taken.push_back({header, {bytes.begin(), bytes.end()}});
  });
  return taken;
}

CaptureTap::Options options(VerdictMask verdicts = kCaptureAll, std::uint32_t snap_length = 65535) {
  return {.verdicts = verdicts, .snap_length = snap_length, .queue_id = 3};
}

std::uint64_t sum(const CaptureCounts::ByReason& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

TEST(CaptureTap, HandsOverWhatAWorkerTook) {
  CaptureTap tap(options());
  const Bytes first = frame(60);
  const Bytes second = frame(1514, 7);
  ASSERT_EQ(tap.begin(kNow, {1, 1, 0, 0, 0}), 2U);
  tap.take(DropReason::kBlocklist, 12, first);
  tap.take(DropReason::kNone, 0, second);
  tap.end();
  const std::vector<Taken> taken = read(tap);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].header.time_ns, kNow);
  EXPECT_EQ(taken[0].header.length_bytes, 60U);
  EXPECT_EQ(taken[0].header.rule_handle, 12U);
  EXPECT_EQ(taken[0].header.queue_id, 3);
  EXPECT_EQ(taken[0].header.reason, DropReason::kBlocklist);
  EXPECT_EQ(std::memcmp(taken[0].bytes.data(), first.data(), 60), 0);
  EXPECT_EQ(taken[1].header.reason, DropReason::kNone);
  EXPECT_EQ(taken[1].bytes.size(), 1514U);
  EXPECT_EQ(std::memcmp(taken[1].bytes.data(), second.data(), 1514), 0);
  EXPECT_TRUE(read(tap).empty());
}

TEST(CaptureTap, CutsFramesAndKeepsTheirLength) {
  CaptureTap tap(options(kCaptureAll, 20));
  offer(tap, kNow, DropReason::kRule, 1, frame(100));
  offer(tap, kNow, DropReason::kRule, 1, frame(14));
  const std::vector<Taken> taken = read(tap);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].header.length_bytes, 100U);
  EXPECT_EQ(taken[0].bytes.size(), 20U);
  EXPECT_EQ(taken[1].bytes.size(), 14U);
}

TEST(CaptureTap, WantsTheVerdictsItWasMadeFor) {
  const CaptureTap dropped(options(kCaptureDropped));
  EXPECT_FALSE(dropped.wants(DropReason::kNone));
  for (const DropReason reason :
       {DropReason::kBlocklist, DropReason::kRule, DropReason::kPolicy, DropReason::kMalformed}) {
    EXPECT_TRUE(dropped.wants(reason)) << name(reason);
    EXPECT_FALSE(CaptureTap(options(kCaptureAccepted)).wants(reason)) << name(reason);
  }
  EXPECT_TRUE(CaptureTap(options(kCaptureAccepted)).wants(DropReason::kNone));
  CaptureTap policy(options(1U << static_cast<unsigned>(DropReason::kPolicy)));
  EXPECT_EQ(policy.begin(kNow, {10, 20, 30, 40, 50}), 40U);
  policy.end();
  EXPECT_EQ(sum(policy.counts().seen), 40U);
  EXPECT_EQ(sum(policy.counts().over_rate), 40U) << "nothing was taken";
}

TEST(CaptureTap, CopiesNoMoreThanItsRate) {
  CaptureTap tap(options(kCaptureAll, 14));
  const Bytes bytes = frame(60);
  std::size_t copied = 0;
  // Two million frames in a second, a batch of 200 each 100 µs.
  for (std::uint64_t batch = 0; batch < 10'000; ++batch) {
    offer(tap, kNow + batch * (kSecond / 10'000), DropReason::kPolicy, 200, bytes);
    copied += read(tap).size();
  }
  EXPECT_NEAR(static_cast<double>(copied), 100'000 + 2'000, 20);
  const CaptureCounts counts = tap.counts();
  EXPECT_EQ(sum(counts.seen), 2'000'000U);
  EXPECT_EQ(sum(counts.no_room), 0U);
  EXPECT_EQ(counts.over_rate[static_cast<std::size_t>(DropReason::kPolicy)], 2'000'000U - copied);
}

TEST(CaptureTap, AClockThatJumpsIsNoWayAroundTheRate) {
  CaptureTap tap(options(kCaptureAll, 1));
  const Bytes bytes = frame(1);
  std::size_t copied = 0;
  for (const std::uint64_t now :
       {kNow, kNow - kSecond, kNow - 2 * kSecond, kNow + 1'000'000 * kSecond}) {
    offer(tap, now, DropReason::kNone, 10'000, bytes);
    copied += read(tap).size();
  }
  // A burst at first, and one for each time that the clock was set on.
  EXPECT_EQ(copied, 2 * kCaptureBurst);
}

TEST(CaptureTap, CountsWhatHasNoRoom) {
  CaptureTap tap(options());
  const Bytes bytes = frame(1500);
  offer(tap, kNow, DropReason::kNone, 1'000, bytes);
  const std::size_t there = read(tap).size();
  EXPECT_EQ(there, CaptureTap::kQueueBytes / (1500 + sizeof(CapturedFrame)));
  EXPECT_EQ(tap.counts().no_room[0], 1'000 - there);
  EXPECT_EQ(tap.counts().over_rate[0], 0U);
  offer(tap, kNow, DropReason::kNone, 1, bytes);
  EXPECT_EQ(read(tap).size(), 1U) << "there is room again";
}

TEST(CapturePoint, HandsTheTapBackWhenItIsClosed) {
  CapturePoint point;
  EXPECT_EQ(point.acquire(), nullptr);
  CaptureTap tap(options());
  point.attach(tap);
  EXPECT_EQ(point.acquire(), &tap);
  EXPECT_TRUE(point.attached());
  tap.close();
  EXPECT_TRUE(point.attached()) << "until the worker looks";
  EXPECT_EQ(point.acquire(), nullptr);
  EXPECT_FALSE(point.attached());
}

/// Captures come and go while a worker works; each frame that was taken is whole, and
/// none is lost but for those that are counted.
TEST(CapturePoint, CapturesComeAndGoWhilePacketsFlow) {
  CapturePoint point;
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    const Bytes bytes = frame(300, 5);
    std::uint64_t now = kNow;
    while (!stop.load()) {
      if (CaptureTap* const tap = point.acquire()) {
        const std::uint32_t wanted = tap->begin(now += 1'000'000, {0, 0, 32, 0, 0});
        for (std::size_t i = 0; i < wanted; ++i) {
          tap->take(DropReason::kRule, 9, {bytes.data(), 100 + i});
        }
        tap->end();
      }
    }
    point.let_go();
  });
  const Bytes expected = frame(300, 5);
  for (int round = 0; round < 10; ++round) {
    auto tap = std::make_unique<CaptureTap>(options());
    point.attach(*tap);
    std::uint64_t taken = 0;
    const auto check = [&](const CapturedFrame& header, std::span<const char> bytes) {
      ++taken;
      EXPECT_EQ(header.length_bytes, bytes.size());
      EXPECT_EQ(header.rule_handle, 9U);
      EXPECT_EQ(std::memcmp(bytes.data(), expected.data(), bytes.size()), 0);
    };
    while (taken < 500) tap->read(check);
    tap->close();
    while (point.attached()) std::this_thread::yield();
    tap->read(check);
    const CaptureCounts counts = tap->counts();
    EXPECT_EQ(sum(counts.seen), taken + sum(counts.over_rate) + sum(counts.no_room));
  }
  stop.store(true);
  worker.join();
}

}  // namespace
}  // namespace afxfw
