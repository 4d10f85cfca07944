#include "pipeline/source_sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "harness/packet.h"
#include "net/prefix.h"

namespace afxfw {
namespace {

using test::Arp;
using test::Bytes;
using test::Ethernet;
using test::Ipv4;
using test::Ipv6;
using test::Tcp;

constexpr Verdict kBlocked{Action::kDrop, DropReason::kBlocklist, 0};

// A batch with the frames that its views point into.
class Batch {
 public:
  void add(const test::Packet& packet, Verdict verdict) {
    frames_.push_back(packet.bytes());
    verdicts_.push_back(verdict);
  }
  void count(SourceSampler& sampler, SpaceSaving& sketch) const {
    std::vector<PacketView> views;
    for (const Bytes& frame : frames_) views.push_back(parse(frame));
    sampler.count(views, verdicts_, sketch);
  }

 private:
  std::vector<Bytes> frames_;
  std::vector<Verdict> verdicts_;
};

test::Packet from(const char* source) { return Ethernet{} / Ipv4{.source = source} / Tcp{}; }

std::map<Ipv6Bits, std::uint64_t> by_address(const SpaceSaving& sketch) {
  std::map<Ipv6Bits, std::uint64_t> packets;
  for (const auto& counter : sketch.counters()) packets[counter.source.address] += counter.packets;
  return packets;
}

TEST(SourceSampler, CountsSmallBatchesToThePacket) {
  SourceSampler sampler(1);
  SpaceSaving sketch(8, 1);
  Batch batch;
  for (int i = 0; i < 5; ++i) batch.add(from("198.51.100.7"), kBlocked);
  batch.add(Ethernet{} / Ipv6{.source = "2001:db8::7"} / Tcp{}, kBlocked);
  for (int i = 0; i < 3; ++i) batch.count(sampler, sketch);
  const auto packets = by_address(sketch);
  EXPECT_EQ(packets.at(*parse_ipv4("198.51.100.7")), 15U);
  EXPECT_EQ(packets.at(*parse_ipv6("2001:db8::7")), 3U);
}

TEST(SourceSampler, KeepsFamilyAndReason) {
  SourceSampler sampler(1);
  SpaceSaving sketch(8, 1);
  Batch batch;
  batch.add(Ethernet{} / Ipv6{.source = "2001:db8::7"} / Tcp{},
            {Action::kDrop, DropReason::kPolicy, Verdict::kNoRule});
  batch.count(sampler, sketch);
  ASSERT_EQ(sketch.counters().size(), 1U);
  const DroppedSource expected{*parse_ipv6("2001:db8::7"), 6, DropReason::kPolicy};
  EXPECT_EQ(sketch.counters().front().source, expected);
}

TEST(SourceSampler, LeavesOutWhatIsAcceptedAndWhatHasNoSource) {
  SourceSampler sampler(1);
  SpaceSaving sketch(8, 1);
  Batch batch;
  batch.add(from("198.51.100.1"), {});
  batch.add(Ethernet{} / Arp{}, {Action::kDrop, DropReason::kRule, 0});
  batch.add(Ethernet{} / Ipv4{.total_length = 3} / Tcp{},
            {Action::kDrop, DropReason::kMalformed, Verdict::kNoRule});
  for (int i = 0; i < 1000; ++i) batch.count(sampler, sketch);
  EXPECT_TRUE(sketch.counters().empty());
}

// Eight sources that are always at the same places of a batch as long as the sampling's stretch:
// a sample that came round with the batch would find one of them, or none.
TEST(SourceSampler, IsRightOnAverageWhereverPacketsAreInTheBatch) {
  constexpr int kSources = 8;
  constexpr int kBatches = 100'000;
  for (const std::uint32_t size : {16U, 63U, 64U, 256U}) {
    SourceSampler sampler(1);
    SpaceSaving sketch(256, 1);
    std::vector<Bytes> frames;
    std::vector<PacketView> views;
    std::vector<Verdict> verdicts;
    std::map<Ipv6Bits, double> exact;
    frames.reserve(kSources);
    for (int i = 0; i < kSources; ++i) {
      frames.push_back(
          (Ethernet{} / Ipv4{.source = "198.51.100." + std::to_string(i)} / Tcp{}).bytes());
    }
    for (std::uint32_t i = 0; i < size; ++i) {
      views.push_back(parse(frames[i % kSources]));
      verdicts.push_back(i % kSources < 6 ? kBlocked : Verdict{});
      if (i % kSources < 6) exact[views.back().ipv4_source()] += kBatches;
    }
    for (int i = 0; i < kBatches; ++i) sampler.count(views, verdicts, sketch);
    const auto packets = by_address(sketch);
    ASSERT_EQ(packets.size(), exact.size());
    for (const auto& [address, expected] : exact) {
      // Five times what the header says: a chance of 1 in 2 million.
      EXPECT_NEAR(static_cast<double>(packets.at(address)), expected,
                  5 * std::sqrt(SourceSampler::kOneIn * expected))
          << "batches of " << size;
    }
  }
}

}  // namespace
}  // namespace afxfw
