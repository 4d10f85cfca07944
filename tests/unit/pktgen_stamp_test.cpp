#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>

#include "pktgen/frame_plan.h"
#include "pktgen/receive/stamp_reader.h"
#include "pktgen_packets.h"
#include "util/error.h"

namespace afxfw::pktgen {
namespace {

constexpr std::uint32_t kFlows = 300;
// Above 2^48, whose remainder the stamp has: 0x0123'4567'89ab.
constexpr std::uint64_t kTime = 0xffff'0123'4567'89abULL;

/// Packet `index` as a sender makes it at kTime.
Bytes stamped_packet(const TrafficOptions& traffic, std::uint64_t index) {
  const FramePlan plan = plan_frames(traffic, kSourceMac);
  // What a reused frame held before must not matter.
  Bytes frame(plan.frame.size());
  std::fill_n(frame.begin(), plan.packet.written, 0xa5);
  pktgen_fields fields;
  pktgen_packet_fields(&plan.packet, index, &fields);
  fields.stamp.time_ns = kTime;
  pktgen_write_headers(frame.data(), &plan.packet, &fields);
  return frame;
}

std::optional<StampedPacket> read(const Bytes& frame) {
  return read_stamp(std::as_bytes(std::span(frame)));
}

using Kind = std::tuple<bool, Protocol, std::optional<std::uint16_t>, std::uint32_t>;

class PktgenStamp : public testing::TestWithParam<Kind> {
 protected:
  static TrafficOptions traffic() {
    const auto& [ipv6, protocol, vlan, size] = GetParam();
    TrafficOptions traffic = ipv6 ? ipv6_traffic(protocol) : ipv4_traffic(protocol);
    traffic.vlan_id = vlan;
    traffic.frame_bytes = size;
    traffic.flows = kFlows;
    traffic.stamped = true;
    traffic.run = 0xc3;
    return traffic;
  }
  static std::size_t l4_header() { return std::get<1>(GetParam()) == Protocol::kTcp ? 20 : 8; }
};

TEST_P(PktgenStamp, FollowsTheHeadersAsDocumented) {
  constexpr std::uint64_t kIndex = 0x1'2345'6789ULL;
  const Dissected seen = dissect(stamped_packet(traffic(), kIndex));
  const unsigned flow = kIndex % kFlows;
  EXPECT_EQ(slice(seen.data, l4_header(), 5), (Bytes{'A', 'f', 'X', 's', 0xc3}));
  EXPECT_EQ(be(seen.data, l4_header() + 5, 3), flow);
  EXPECT_EQ(be(seen.data, l4_header() + 8, 4), kIndex / kFlows);
  EXPECT_EQ(slice(seen.data, l4_header() + 12, 6), (Bytes{0x01, 0x23, 0x45, 0x67, 0x89, 0xab}));
}

TEST_P(PktgenStamp, IsCoveredByTheChecksum) {
  for (std::uint64_t index = 0; index < 2000; ++index) {
    const Dissected seen = dissect(stamped_packet(traffic(), index * 977));
    ASSERT_EQ(ones_complement_sum(seen.pseudo_header(seen.data.size()) + seen.data), 0xffff)
        << index;
  }
}

TEST_P(PktgenStamp, IsReadWithItsFlow) {
  constexpr std::uint64_t kIndex = 77 * kFlows + 13;
  const Bytes frame = stamped_packet(traffic(), kIndex);
  const auto packet = read(frame);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->stamp.run, 0xc3U);
  EXPECT_EQ(packet->stamp.flow, 13U);
  EXPECT_EQ(packet->stamp.sequence, 77U);
  EXPECT_EQ(packet->stamp.time_ns, 0x0123'4567'89abULL);
  const Dissected seen = dissect(frame);
  const Endpoints& endpoints = packet->endpoints;
  EXPECT_EQ(endpoints.protocol, seen.protocol);
  EXPECT_EQ(endpoints.version, seen.source.size() == 4 ? 4 : 6);
  for (std::size_t i = 0; i < seen.source.size(); ++i) {
    EXPECT_EQ(std::to_integer<std::uint8_t>(endpoints.source[i]), seen.source[i]);
    EXPECT_EQ(std::to_integer<std::uint8_t>(endpoints.destination[i]), seen.destination[i]);
  }
  if (std::get<1>(GetParam()) == Protocol::kIcmp) {
    EXPECT_EQ(endpoints.source_port, be(seen.data, 4, 2));
  } else {
    EXPECT_EQ(endpoints.source_port, seen.source_port());
    EXPECT_EQ(endpoints.destination_port, seen.destination_port());
  }
}

TEST_P(PktgenStamp, IsNotReadFromLessThanAllOfIt) {
  const Bytes frame = stamped_packet(traffic(), 5);
  const Dissected seen = dissect(frame);
  const std::size_t end = frame.size() - seen.data.size() + l4_header() + 18;
  EXPECT_LE(end, kStampedHeadBytes);
  EXPECT_TRUE(read(slice(frame, 0, end)));
  for (std::size_t length = 0; length < end; ++length) {
    EXPECT_FALSE(read(slice(frame, 0, length))) << length;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, PktgenStamp,
    testing::Combine(testing::Bool(),
                     testing::Values(Protocol::kUdp, Protocol::kTcp, Protocol::kIcmp),
                     testing::Values(std::nullopt, std::optional<std::uint16_t>(42)),
                     // The smallest, an odd one, a full MTU.
                     testing::Values(0U, 129U, 1514U)));

TEST(PktgenStampedFrame, OfIpv4UdpFitsTheSmallestFrame) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.flows = 1;
  traffic.stamped = true;
  EXPECT_EQ(plan_frames(traffic, kSourceMac).frame.size(), 60U);
  traffic.protocol = Protocol::kTcp;
  EXPECT_EQ(plan_frames(traffic, kSourceMac).frame.size(), 14U + 20 + 20 + 18);
  traffic.frame_bytes = 60;
  try {
    static_cast<void>(plan_frames(traffic, kSourceMac));
    ADD_FAILURE() << "60 bytes do not hold TCP and a stamp";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("and a stamp; at least 72"));
  }
}

TEST(PktgenStampedFrame, IsNoneWithoutAStamp) {
  EXPECT_FALSE(read(packet(ipv4_traffic(), 5)));
  EXPECT_FALSE(read(packet(ipv6_traffic(), 5)));
  EXPECT_FALSE(read(Bytes(60, 0xff)));
}

}  // namespace
}  // namespace afxfw::pktgen
