#include "rules/token_bucket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

namespace afxfw {
namespace {

using nft::LimitStatement;

constexpr std::uint64_t kSecond = 1'000'000'000;

// What Linux does (net/netfilter/nft_limit.c), line by line: nft_limit_init(), and
// nft_limit_eval() with the costs of nft_limit_pkts_eval() and nft_limit_bytes_eval().
class KernelLimit {
 public:
  KernelLimit(const LimitStatement& limit, std::uint64_t now)
      : packets_(!limit.bytes),
        invert_(limit.over),
        rate_(limit.rate),
        nsecs_(limit.unit_s * kSecond),
        tokens_max_(packets_ ? nsecs_ / rate_ * limit.burst
                             : nsecs_ * (rate_ + limit.burst) / rate_),
        tokens_(tokens_max_),
        last_(now) {}

  bool matches(std::uint64_t now, std::uint64_t bytes) {
    const std::uint64_t cost = packets_ ? nsecs_ / rate_ : nsecs_ * bytes / rate_;
    std::uint64_t tokens = std::min(tokens_ + now - last_, tokens_max_);
    last_ = now;
    const bool within = tokens >= cost;
    if (within) tokens -= cost;
    tokens_ = tokens;
    return within != invert_;
  }

 private:
  bool packets_;
  bool invert_;
  std::uint64_t rate_;
  std::uint64_t nsecs_;
  std::uint64_t tokens_max_;
  std::uint64_t tokens_;
  std::uint64_t last_;
};

LimitStatement packets(std::uint64_t rate, std::uint64_t unit_s, std::uint64_t burst) {
  return {.rate = rate, .unit_s = unit_s, .burst = burst};
}

LimitStatement bytes(std::uint64_t rate, std::uint64_t unit_s, std::uint64_t burst) {
  return {.bytes = true, .rate = rate, .unit_s = unit_s, .burst = burst};
}

std::vector<LimitStatement> limits() {
  return {packets(1, 1, 1),
          packets(10, 1, 5),
          packets(7, 60, 3),
          packets(1, 604'800, 2),
          packets(1'000'000, 1, 5),
          packets(999'999'999, 1, 20),
          packets(3'000'000'000, 1, 5),
          bytes(1500, 1, 0),
          bytes(100'000, 1, 3000),
          bytes(64, 60, 100),
          bytes(1'048'576, 3600, 1024),
          bytes(4'000'000'000, 1, 9000)};
}

// Steps of time from none at all to more than a bucket holds, about as long as a
// packet costs.
std::uint64_t step(const LimitStatement& limit, std::mt19937& random) {
  const std::uint64_t per_packet =
      std::max<std::uint64_t>(limit.unit_s * kSecond / limit.rate * (limit.bytes ? 500 : 1), 1);
  switch (random() % 8) {
    case 0:
    case 1:
    case 2:
      return 0;
    case 3:
      return per_packet;
    case 4:
      return per_packet * (random() % 8);
    default:
      return std::uniform_int_distribution<std::uint64_t>(0, 2 * per_packet)(random);
  }
}

TEST(TokenBucket, MatchesWhatTheKernelMatches) {
  std::mt19937 random(1);
  int within = 0;
  int beyond = 0;
  for (LimitStatement limit : limits()) {
    for (const bool over : {false, true}) {
      limit.over = over;
      std::uint64_t now = 5 * kSecond;
      TokenBucket bucket(limit);
      KernelLimit kernel(limit, now);
      for (int i = 0; i < 3000; ++i) {
        now += step(limit, random);
        const std::uint64_t length = 46 + random() % 1455;
        const bool expected = kernel.matches(now, length);
        ++(expected != over ? within : beyond);
        ASSERT_EQ(bucket.matches(now, length), expected)
            << "packet " << i << ", rate " << limit.rate << "/" << limit.unit_s << " s, burst "
            << limit.burst << (limit.bytes ? " bytes" : " packets") << (over ? ", over" : "");
      }
    }
  }
  EXPECT_GT(within, 10'000) << "else this shows little";
  EXPECT_GT(beyond, 10'000) << "else this shows little";
}

TEST(TokenBucket, StartsWithTheBurst) {
  TokenBucket bucket(packets(1, 60, 4));
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += bucket.matches(0, 60) ? 1 : 0;
  EXPECT_EQ(taken, 4);
}

TEST(TokenBucket, SavesUpNoMoreThanTheBurst) {
  TokenBucket bucket(packets(1, 1, 3));
  for (const std::uint64_t now : {0 * kSecond, 1000 * kSecond}) {
    int taken = 0;
    for (int i = 0; i < 100; ++i) taken += bucket.matches(now, 60) ? 1 : 0;
    EXPECT_EQ(taken, 3);
  }
}

TEST(TokenBucket, APacketThatExceedsTheRateTakesNothing) {
  TokenBucket bucket(bytes(1000, 1, 0));
  EXPECT_FALSE(bucket.matches(0, 1001));
  EXPECT_TRUE(bucket.matches(0, 1000));
  EXPECT_FALSE(bucket.matches(0, 1));
}

TEST(TokenBucket, OverMatchesExactlyTheOthers) {
  TokenBucket within(packets(2, 1, 2));
  LimitStatement opposite = packets(2, 1, 2);
  opposite.over = true;
  TokenBucket over(opposite);
  for (std::uint64_t now = 0; now < 5 * kSecond; now += kSecond / 7) {
    EXPECT_NE(within.matches(now, 60), over.matches(now, 60));
  }
}

// nft_limit_init() divides a second by the rate: beyond a packet a nanosecond,
// packets cost nothing.
TEST(TokenBucket, ARateBeyondAPacketANanosecondIsNoLimit) {
  TokenBucket bucket(packets(2'000'000'000, 1, 5));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(bucket.matches(7, 1500));
}

TEST(TokenBucket, ThreadsTogetherTakeNoMoreThanTheBurst) {
  constexpr std::uint64_t kBurst = 20'000;
  constexpr std::uint64_t kTries = 15'000;
  constexpr std::size_t kThreads = 4;
  TokenBucket bucket(packets(1, 60, kBurst));
  std::atomic<bool> go{false};
  std::array<std::uint64_t, kThreads> taken{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      while (!go.load()) std::this_thread::yield();
      for (std::uint64_t n = 0; n < kTries; ++n) taken[i] += bucket.matches(kSecond, 60) ? 1 : 0;
    });
  }
  go.store(true);
  for (std::thread& thread : threads) thread.join();
  std::uint64_t sum = 0;
  for (const std::uint64_t each : taken) sum += each;
  EXPECT_LE(sum, kBurst);
  while (bucket.matches(kSecond, 60)) ++sum;
  EXPECT_EQ(sum, kBurst) << "what one lost, another found";
}

}  // namespace
}  // namespace afxfw
