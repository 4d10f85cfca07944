#include "xsk/rings.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <numeric>
#include <random>
#include <span>
#include <vector>

namespace afxfw {
namespace {

constexpr std::uint32_t kSize = 8;

/// A ring on plain memory whose indices start at `start`; the test plays the
/// kernel's side, with the producer and consumer indices as the kernel has them.
template <typename Ring, typename Entry>
class PlainRing {
 public:
  explicit PlainRing(std::uint32_t start) : producer_(start), consumer_(start) {
    auto* const raw = ring.raw();
    raw->producer = &producer_;
    raw->consumer = &consumer_;
    raw->flags = &flags_;
    raw->ring = entries_.data();
    raw->size = kSize;
    raw->mask = kSize - 1;
    raw->cached_prod = start;
    // libxdp keeps a producer's view of the consumer one ring size ahead.
    raw->cached_cons = start + (kIsProducer ? kSize : 0);
  }

  void kernel_produces(const Entry& entry) {
    entries_[producer_ & (kSize - 1)] = entry;
    ++producer_;
  }
  Entry kernel_consumes() { return entries_[consumer_++ & (kSize - 1)]; }
  [[nodiscard]] std::uint32_t filled() const { return producer_ - consumer_; }
  void set_need_wakeup(bool on) { flags_ = on ? XDP_RING_NEED_WAKEUP : 0; }

  Ring ring;

 private:
  static constexpr bool kIsProducer = std::is_base_of_v<detail::ProducerRing, Ring>;
  std::array<Entry, kSize> entries_{};
  std::uint32_t producer_;
  std::uint32_t consumer_;
  std::uint32_t flags_ = 0;
};

using PlainFill = PlainRing<FillRing, std::uint64_t>;
using PlainTx = PlainRing<TxRing, xdp_desc>;
using PlainRx = PlainRing<RxRing, xdp_desc>;
using PlainCompletion = PlainRing<CompletionRing, std::uint64_t>;

/// Start indices that wrap at 2^32 in the course of a test, and one that doesn't.
class RingIndices : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Start, RingIndices,
                         testing::Values(0U, 0xffff'fffdU, 0xffff'fff8U, 0x7fff'fffeU));

TEST_P(RingIndices, FillTakesExactlyItsSize) {
  PlainFill plain(GetParam());
  EXPECT_EQ(plain.ring.free(kSize), kSize);
  std::vector<std::uint64_t> addresses(kSize);
  std::iota(addresses.begin(), addresses.end(), 100U);
  plain.ring.push(addresses);
  EXPECT_EQ(plain.ring.free(1), 0U);
  EXPECT_EQ(plain.filled(), kSize);
  EXPECT_EQ(plain.ring.pending(), kSize);
  for (const std::uint64_t address : addresses) EXPECT_EQ(plain.kernel_consumes(), address);
  EXPECT_EQ(plain.ring.free(kSize), kSize);
  EXPECT_EQ(plain.ring.pending(), 0U);
}

TEST_P(RingIndices, PushBeyondTheRoomChangesNothing) {
  PlainFill plain(GetParam());
  plain.ring.push(std::vector<std::uint64_t>(kSize, 1));
  plain.ring.push(std::vector<std::uint64_t>{2});
  EXPECT_EQ(plain.filled(), kSize);
  for (std::uint32_t i = 0; i < kSize; ++i) EXPECT_EQ(plain.kernel_consumes(), 1U);
}

TEST_P(RingIndices, RxComesOutInOrderAndInPart) {
  PlainRx plain(GetParam());
  std::array<xdp_desc, kSize> out{};
  EXPECT_EQ(plain.ring.pop(out), 0U);
  EXPECT_EQ(plain.ring.waiting(), 0U);
  for (std::uint32_t i = 0; i < 5; ++i)
    plain.kernel_produces({.addr = i, .len = 60 + i, .options = 0});
  EXPECT_EQ(plain.ring.waiting(), 5U);
  EXPECT_EQ(plain.ring.pop(std::span(out).first(3)), 3U);
  EXPECT_EQ(plain.ring.waiting(), 2U);
  EXPECT_EQ(plain.filled(), 2U) << "slots go back to the kernel with each pop";
  EXPECT_EQ(plain.ring.pop(std::span(out).subspan(3)), 2U);
  for (std::uint32_t i = 0; i < 5; ++i) {
    EXPECT_EQ(out[i].addr, i);
    EXPECT_EQ(out[i].len, 60 + i);
  }
}

// Both directions against a queue, through several wraps.
TEST_P(RingIndices, TxAndCompletionMatchAQueueAtRandom) {
  PlainTx tx(GetParam());
  PlainCompletion completion(GetParam());
  std::deque<std::uint64_t> in_tx;
  std::deque<std::uint64_t> in_completion;
  std::mt19937 random(7);
  std::uint64_t next = 0;
  for (int round = 0; round < 5000; ++round) {
    const auto wanted = static_cast<std::uint32_t>(random() % (kSize + 1));
    const std::uint32_t room = std::min(tx.ring.free(wanted), wanted);
    EXPECT_EQ(room, std::min<std::size_t>(wanted, kSize - in_tx.size()));
    std::vector<xdp_desc> descriptors;
    for (std::uint32_t i = 0; i < room; ++i) {
      in_tx.push_back(next);
      descriptors.push_back({.addr = next++, .len = 60, .options = 0});
    }
    tx.ring.push(descriptors);
    EXPECT_EQ(tx.ring.pending(), in_tx.size());
    while (tx.filled() > 0 && completion.filled() < kSize && random() % 3 != 0) {
      const std::uint64_t address = tx.kernel_consumes().addr;
      EXPECT_EQ(address, in_tx.front());
      in_tx.pop_front();
      completion.kernel_produces(address);
      in_completion.push_back(address);
    }
    std::array<std::uint64_t, kSize> out{};
    const std::uint32_t count = completion.ring.pop(std::span(out).first(random() % (kSize + 1)));
    for (std::uint32_t i = 0; i < count; ++i) {
      EXPECT_EQ(out[i], in_completion.front());
      in_completion.pop_front();
    }
  }
  EXPECT_GT(next, 1000U);
}

TEST(Rings, NeedWakeupFollowsTheKernelsFlag) {
  PlainTx plain(0);
  EXPECT_FALSE(plain.ring.needs_wakeup());
  plain.set_need_wakeup(true);
  EXPECT_TRUE(plain.ring.needs_wakeup());
}

}  // namespace
}  // namespace afxfw
