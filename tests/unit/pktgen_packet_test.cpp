#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "pktgen/frame_plan.h"
#include "pktgen_packets.h"
#include "util/error.h"

namespace afxfw::pktgen {
namespace {

// Reference values for SplitMix64 with seed 0, as printed by the authors' C code.
TEST(PktgenMix, IsSplitMix64) {
  EXPECT_EQ(pktgen_mix(1 * PKTGEN_STEP), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(pktgen_mix(2 * PKTGEN_STEP), 0x6e789e6aa1b965f4ULL);
  EXPECT_EQ(pktgen_mix(3 * PKTGEN_STEP), 0x06c45d188009454fULL);
}

using Kind = std::tuple<bool, Protocol, std::optional<std::uint16_t>, Order, std::uint32_t>;

class PktgenPacket : public testing::TestWithParam<Kind> {
 protected:
  static TrafficOptions traffic() {
    const auto& [ipv6, protocol, vlan, order, size] = GetParam();
    TrafficOptions traffic = ipv6 ? ipv6_traffic(protocol) : ipv4_traffic(protocol);
    traffic.vlan_id = vlan;
    traffic.order = order;
    traffic.frame_bytes = size;
    traffic.seed = 7;
    return traffic;
  }
};

constexpr int kSamples = 2000;

TEST_P(PktgenPacket, HasRightChecksums) {
  const FramePlan plan = plan_frames(traffic(), kSourceMac);
  for (std::uint64_t index = 0; index < kSamples; ++index) {
    const Dissected seen = dissect(packet(plan, index));
    if (seen.source.size() == 4) {
      ASSERT_EQ(ones_complement_sum(seen.ip_header), 0xffff) << "IP header of " << index;
    }
    ASSERT_EQ(ones_complement_sum(seen.pseudo_header(seen.data.size()) + seen.data), 0xffff)
        << "L4 of " << index;
  }
}

TEST_P(PktgenPacket, StaysWithinItsRanges) {
  const TrafficOptions wanted = traffic();
  const FramePlan plan = plan_frames(wanted, kSourceMac);
  const auto number = [](const Bytes& address) {
    return std::accumulate(address.begin(), address.end(), Ipv6Bits{0},
                           [](Ipv6Bits sum, std::uint8_t byte) { return sum << 8 | byte; });
  };
  for (std::uint64_t index = 0; index < kSamples; ++index) {
    const Dissected seen = dissect(packet(plan, index));
    ASSERT_TRUE(number(seen.source) >= wanted.source.first() &&
                number(seen.source) <= wanted.source.last());
    ASSERT_TRUE(number(seen.destination) >= wanted.destination.first() &&
                number(seen.destination) <= wanted.destination.last());
    if (wanted.protocol == Protocol::kIcmp) {
      ASSERT_GE(be(seen.data, 4, 2), wanted.source_port.first);
      ASSERT_EQ(be(seen.data, 6, 2), index & 0xffff) << "the sequence number counts";
    } else {
      ASSERT_GE(seen.source_port(), wanted.source_port.first);
      ASSERT_GE(seen.destination_port(), wanted.destination_port.first);
      ASSERT_LE(seen.destination_port(), wanted.destination_port.last);
    }
  }
}

TEST_P(PktgenPacket, IsWhatWasAskedFor) {
  const TrafficOptions wanted = traffic();
  const Bytes frame = packet(wanted, 3);
  const Dissected seen = dissect(frame);
  EXPECT_EQ(slice(frame, 0, 6), Bytes(kDestinationMac.begin(), kDestinationMac.end()));
  EXPECT_EQ(slice(frame, 6, 6), Bytes(kSourceMac.begin(), kSourceMac.end()));
  EXPECT_EQ(seen.vlan, wanted.vlan_id);
  if (wanted.frame_bytes != 0) {
    EXPECT_EQ(frame.size(), wanted.frame_bytes);
  }
  EXPECT_FALSE(seen.more_fragments);
  EXPECT_EQ(seen.fragment_offset, 0U);
  const bool ipv6 = seen.source.size() == 16;
  switch (wanted.protocol) {
    case Protocol::kUdp:
      EXPECT_EQ(seen.protocol, 17U);
      EXPECT_EQ(be(seen.data, 4, 2), seen.data.size());
      break;
    case Protocol::kTcp:
      EXPECT_EQ(seen.protocol, 6U);
      EXPECT_EQ(seen.data[12], 0x50) << "no options";
      EXPECT_EQ(seen.data[13], wanted.tcp_flags);
      break;
    case Protocol::kIcmp:
      EXPECT_EQ(seen.protocol, ipv6 ? 58U : 1U);
      EXPECT_EQ(seen.data[0], ipv6 ? 128 : 8);
      break;
  }
}

TEST_P(PktgenPacket, DoesNotDependOnWhatTheFrameHeldBefore) {
  const FramePlan plan = plan_frames(traffic(), kSourceMac);
  Bytes reused = packet(plan, 1);
  std::fill_n(reused.begin(), plan.packet.header_length, 0xa5);
  pktgen_fields fields;
  pktgen_packet_fields(&plan.packet, 2, &fields);
  pktgen_write_headers(reused.data(), &plan.packet, &fields);
  EXPECT_EQ(reused, packet(plan, 2));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, PktgenPacket,
    testing::Combine(testing::Bool(),
                     testing::Values(Protocol::kUdp, Protocol::kTcp, Protocol::kIcmp),
                     testing::Values(std::nullopt, std::optional<std::uint16_t>(42)),
                     testing::Values(Order::kSequential, Order::kRandom),
                     // The smallest, an odd one, a full MTU.
                     testing::Values(0U, 129U, 1514U)));

TEST(PktgenPackets, CountInTheirIdentification) {
  EXPECT_EQ(dissect(packet(ipv4_traffic(), 0x12345)).identification, 0x2345U);
}

// A checksum of zero would say that there is none (RFC 768), and over IPv6 the
// packet would be invalid (RFC 8200).
TEST(PktgenUdp, NeverHasAZeroChecksum) {
  for (const TrafficOptions& traffic : {ipv4_traffic(), ipv6_traffic()}) {
    const FramePlan plan = plan_frames(traffic, kSourceMac);
    int all_ones = 0;
    for (std::uint64_t index = 0; index < 500'000; ++index) {
      pktgen_fields fields;
      std::array<std::uint8_t, PKTGEN_MAX_HEADER> headers;
      pktgen_packet_fields(&plan.packet, index, &fields);
      pktgen_write_headers(headers.data(), &plan.packet, &fields);
      const unsigned checksum = static_cast<unsigned>(headers[plan.packet.l4_offset + 6]) << 8 |
                                headers[plan.packet.l4_offset + 7];
      ASSERT_NE(checksum, 0U) << "packet " << index;
      if (checksum == 0xffff) ++all_ones;
    }
    EXPECT_GT(all_ones, 0) << "the case did not come up";
  }
}

class PktgenFragments : public testing::TestWithParam<std::tuple<bool, Protocol, std::uint32_t>> {};

TEST_P(PktgenFragments, MakeAWholeDatagramTogether) {
  const auto& [ipv6, protocol, size] = GetParam();
  TrafficOptions traffic = ipv6 ? ipv6_traffic(protocol) : ipv4_traffic(protocol);
  traffic.frame_bytes = size;
  for (const std::uint64_t index : {0ULL, 5ULL, 70'000ULL}) {
    traffic.fragment = Fragment::kFirst;
    const Dissected first = dissect(packet(traffic, index));
    traffic.fragment = Fragment::kLater;
    const Dissected later = dissect(packet(traffic, index));
    EXPECT_TRUE(first.more_fragments);
    EXPECT_FALSE(later.more_fragments);
    EXPECT_EQ(first.fragment_offset, 0U);
    EXPECT_EQ(later.fragment_offset, first.data.size());
    EXPECT_EQ(first.identification, later.identification);
    EXPECT_EQ(first.source, later.source);
    EXPECT_EQ(first.destination, later.destination);
    EXPECT_EQ(first.protocol, later.protocol);
    const Bytes datagram = first.data + later.data;
    EXPECT_EQ(ones_complement_sum(first.pseudo_header(datagram.size()) + datagram), 0xffff);
    if (protocol == Protocol::kUdp) {
      EXPECT_EQ(be(datagram, 4, 2), datagram.size());
    }
    if (!ipv6) {
      EXPECT_EQ(ones_complement_sum(first.ip_header), 0xffff);
      EXPECT_EQ(ones_complement_sum(later.ip_header), 0xffff);
    }
  }
}

// 14 + 40 + 8 and 14 + 20 bytes of headers, then a multiple of 8.
INSTANTIATE_TEST_SUITE_P(Kinds, PktgenFragments,
                         testing::Combine(testing::Bool(),
                                          testing::Values(Protocol::kUdp, Protocol::kTcp,
                                                          Protocol::kIcmp),
                                          testing::Values(0U)));
INSTANTIATE_TEST_SUITE_P(Large, PktgenFragments,
                         testing::Values(std::tuple(false, Protocol::kUdp, 14U + 20U + 1480U),
                                         std::tuple(true, Protocol::kUdp, 14U + 48U + 1448U)));

std::string size_error(TrafficOptions traffic, std::uint32_t size) {
  traffic.frame_bytes = size;
  try {
    static_cast<void>(plan_frames(traffic, kSourceMac));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

TEST(PktgenFrameSize, DefaultsToTheSmallest) {
  EXPECT_EQ(plan_frames(ipv4_traffic(), kSourceMac).frame.size(), 60U);
  EXPECT_EQ(plan_frames(ipv6_traffic(), kSourceMac).frame.size(), 62U);
  EXPECT_EQ(plan_frames(ipv6_traffic(Protocol::kTcp), kSourceMac).frame.size(), 74U);
}

TEST(PktgenFrameSize, IsRefusedWhenTooSmall) {
  EXPECT_THAT(size_error(ipv4_traffic(), 59), testing::HasSubstr("at least 60"));
  EXPECT_THAT(size_error(ipv6_traffic(Protocol::kTcp), 73), testing::HasSubstr("at least 74"));
  EXPECT_EQ(size_error(ipv6_traffic(Protocol::kTcp), 74), "");
}

TEST(PktgenFrameSize, OfAFragmentIsAMultipleOfEight) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.fragment = Fragment::kFirst;
  EXPECT_THAT(size_error(traffic, 100), testing::HasSubstr("98 would do"));
  EXPECT_EQ(size_error(traffic, 98), "");
}

TEST(PktgenFrameSize, IsRefusedWhenTooLargeForIp) {
  EXPECT_EQ(size_error(ipv4_traffic(), 65'549), "");
  EXPECT_THAT(size_error(ipv4_traffic(), 65'550), testing::HasSubstr("too many"));
}

TEST(PktgenMacAddress, OfTheOptionsComesBeforeTheInterfaces) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.source_mac = MacAddress{0x02, 1, 2, 3, 4, 5};
  EXPECT_EQ(slice(packet(traffic, 0), 6, 6), (Bytes{0x02, 1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace afxfw::pktgen
