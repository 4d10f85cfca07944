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
#include "util/error.h"

namespace afxfw::pktgen {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr MacAddress kSourceMac = {0x02, 0, 0, 0, 0, 0x0a};
constexpr MacAddress kDestinationMac = {0x02, 0, 0, 0, 0, 0x0b};

Prefix prefix(const char* text) { return parse_prefix(text)->prefix; }

TrafficOptions ipv4_traffic(Protocol protocol = Protocol::kUdp) {
  TrafficOptions traffic;
  traffic.destination_mac = kDestinationMac;
  traffic.source = prefix("198.18.64.0/20");
  traffic.destination = prefix("198.19.0.8/29");
  traffic.protocol = protocol;
  traffic.source_port = {1024, 65535};
  traffic.destination_port = {53, 60};
  traffic.tcp_flags = 0x12;
  return traffic;
}

TrafficOptions ipv6_traffic(Protocol protocol = Protocol::kUdp) {
  TrafficOptions traffic = ipv4_traffic(protocol);
  traffic.source = prefix("2001:db8:0:1::/64");
  traffic.destination = prefix("2001:db8:0:2::a0/124");
  return traffic;
}

/// Packet `index` of the plan, as a sender makes it.
Bytes packet(const FramePlan& plan, std::uint64_t index) {
  Bytes frame(plan.frame.size());
  std::transform(plan.frame.begin(), plan.frame.end(), frame.begin(),
                 [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  pktgen_fields fields;
  pktgen_packet_fields(&plan.packet, index, &fields);
  pktgen_write_headers(frame.data(), &plan.packet, &fields);
  return frame;
}

Bytes packet(const TrafficOptions& traffic, std::uint64_t index) {
  return packet(plan_frames(traffic, kSourceMac), index);
}

std::uint32_t be(const Bytes& bytes, std::size_t at, std::size_t count) {
  return std::accumulate(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                         bytes.begin() + static_cast<std::ptrdiff_t>(at + count), 0U,
                         [](std::uint32_t sum, std::uint8_t byte) { return sum << 8 | byte; });
}

Bytes slice(const Bytes& bytes, std::size_t at, std::size_t count) {
  return {bytes.begin() + static_cast<std::ptrdiff_t>(at),
          bytes.begin() + static_cast<std::ptrdiff_t>(at + count)};
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// RFC 1071, straight from its text: 0xffff over data with a right checksum.
std::uint16_t ones_complement_sum(const Bytes& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? static_cast<std::uint32_t>(bytes[i]) << 8 : bytes[i];
    if (sum > 0xffff) sum -= 0xffff;
  }
  return static_cast<std::uint16_t>(sum);
}

/// An untagged or once tagged packet, taken apart.
struct Dissected {
  std::optional<unsigned> vlan;
  Bytes ip_header;  ///< with the IPv6 fragment header
  Bytes source;
  Bytes destination;
  unsigned protocol = 0;
  bool more_fragments = false;
  unsigned fragment_offset = 0;  ///< in bytes
  unsigned identification = 0;
  Bytes data;  ///< what the IP header says comes after it

  [[nodiscard]] Bytes pseudo_header(std::size_t l4_length) const {
    if (source.size() == 4 && protocol == 1) return {};
    return source + destination + Bytes{0,
                                        0,
                                        static_cast<std::uint8_t>(l4_length >> 8),
                                        static_cast<std::uint8_t>(l4_length & 0xff),
                                        0,
                                        0,
                                        0,
                                        static_cast<std::uint8_t>(protocol)};
  }
  [[nodiscard]] unsigned source_port() const { return be(data, 0, 2); }
  [[nodiscard]] unsigned destination_port() const { return be(data, 2, 2); }
};

Dissected dissect(const Bytes& frame) {
  Dissected result;
  std::size_t at = 12;
  if (be(frame, at, 2) == 0x8100) {
    result.vlan = be(frame, at + 2, 2);
    at += 4;
  }
  const std::uint32_t ether_type = be(frame, at, 2);
  const std::size_t ip = at + 2;
  std::size_t end = 0;
  std::size_t data = 0;
  if (ether_type == 0x0800) {
    EXPECT_EQ(frame[ip], 0x45);
    data = ip + 20;
    end = ip + be(frame, ip + 2, 2);
    result.identification = be(frame, ip + 4, 2);
    result.more_fragments = (be(frame, ip + 6, 2) & 0x2000) != 0;
    result.fragment_offset = (be(frame, ip + 6, 2) & 0x1fff) * 8;
    result.protocol = frame[ip + 9];
    result.source = slice(frame, ip + 12, 4);
    result.destination = slice(frame, ip + 16, 4);
  } else {
    EXPECT_EQ(ether_type, 0x86ddU);
    EXPECT_EQ(be(frame, ip, 4), 0x60000000U);
    data = ip + 40;
    end = data + be(frame, ip + 4, 2);
    result.protocol = frame[ip + 6];
    result.source = slice(frame, ip + 8, 16);
    result.destination = slice(frame, ip + 24, 16);
    if (result.protocol == 44) {
      result.protocol = frame[data];
      result.more_fragments = (be(frame, data + 2, 2) & 1) != 0;
      result.fragment_offset = be(frame, data + 2, 2) & 0xfff8;
      result.identification = be(frame, data + 4, 4);
      data += 8;
    }
  }
  EXPECT_EQ(end, frame.size()) << "the IP packet fills the frame";
  result.ip_header = slice(frame, ip, data - ip);
  result.data = slice(frame, data, end - data);
  return result;
}

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

/// Addresses and ports of an IPv4 packet.
using Flow = std::tuple<unsigned, unsigned, unsigned, unsigned>;

Flow flow(const FramePlan& plan, std::uint64_t index) {
  const Dissected seen = dissect(packet(plan, index));
  return {be(seen.source, 0, 4), be(seen.destination, 0, 4), seen.source_port(),
          seen.destination_port()};
}

TEST(PktgenSequential, CoversEveryCombinationOnceBeforeRepeating) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.order = Order::kSequential;
  traffic.source = prefix("198.18.0.0/28");
  traffic.destination = prefix("198.19.0.0/31");
  traffic.source_port = {1000, 1002};
  traffic.destination_port = {80, 81};
  const FramePlan plan = plan_frames(traffic, kSourceMac);
  constexpr std::uint64_t kCombinations = 16 * 2 * 3 * 2;
  std::set<Flow> seen;
  for (std::uint64_t index = 0; index < kCombinations; ++index) seen.insert(flow(plan, index));
  EXPECT_EQ(seen.size(), kCombinations);
  EXPECT_EQ(flow(plan, kCombinations), flow(plan, 0));
}

TEST(PktgenSequential, WalksSourceAddressesFirst) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.order = Order::kSequential;
  traffic.source = prefix("198.18.1.0/24");
  const FramePlan plan = plan_frames(traffic, kSourceMac);
  for (unsigned index = 0; index < 256; ++index) {
    EXPECT_EQ(dissect(packet(plan, index)).source,
              (Bytes{198, 18, 1, static_cast<std::uint8_t>(index)}));
  }
  EXPECT_EQ(dissect(packet(plan, 255)).destination, (Bytes{198, 19, 0, 8}));
  EXPECT_EQ(dissect(packet(plan, 256)).destination, (Bytes{198, 19, 0, 9}));
}

TEST(PktgenSequential, WalksTheLow64BitsOfALargeIpv6Range) {
  TrafficOptions traffic = ipv6_traffic();
  traffic.order = Order::kSequential;
  traffic.source = prefix("2001:db8::/32");
  const Bytes source = dissect(packet(traffic, 0x1234567890)).source;
  EXPECT_EQ(source,
            (Bytes{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0x90}));
}

TEST(PktgenRandom, HitsAddressesAndPortsEvenly) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.source = prefix("198.18.0.0/28");
  traffic.source_port = {1000, 1009};
  const FramePlan plan = plan_frames(traffic, kSourceMac);
  std::map<unsigned, int> addresses;
  std::map<unsigned, int> ports;
  constexpr int kPackets = 16'000;
  for (std::uint64_t index = 0; index < kPackets; ++index) {
    const Dissected seen = dissect(packet(plan, index));
    ++addresses[be(seen.source, 0, 4)];
    ++ports[seen.source_port()];
  }
  // Five standard deviations of a binomial distribution: 1000 +- 153, 1600 +- 190.
  EXPECT_EQ(addresses.size(), 16U);
  for (const auto& [address, hits] : addresses) EXPECT_NEAR(hits, kPackets / 16, 153);
  EXPECT_EQ(ports.size(), 10U);
  for (const auto& [port, hits] : ports) EXPECT_NEAR(hits, kPackets / 10, 190);
}

TEST(PktgenRandom, VariesEveryHostBitOfAnIpv6Range) {
  TrafficOptions traffic = ipv6_traffic();
  traffic.source = prefix("2001:db8::/33");
  traffic.destination = prefix("2001:db8:8000::/33");
  const FramePlan plan = plan_frames(traffic, kSourceMac);
  const pktgen_packet& config = plan.packet;
  pktgen_address ones{0, 0};
  pktgen_address zeros{0, 0};
  pktgen_address same{~0ULL, ~0ULL};
  for (std::uint64_t index = 0; index < 200; ++index) {
    pktgen_fields fields;
    pktgen_packet_fields(&config, index, &fields);
    ones = {ones.high | fields.source.high, ones.low | fields.source.low};
    zeros = {zeros.high | ~fields.source.high, zeros.low | ~fields.source.low};
    same = {same.high & ~(fields.source.high ^ fields.destination.high),
            same.low & ~(fields.source.low ^ fields.destination.low)};
  }
  EXPECT_EQ(ones.high & zeros.high, 0x000000007fffffffULL);
  EXPECT_EQ(ones.low & zeros.low, ~0ULL);
  EXPECT_EQ(same.high, 0xffffffff00000000ULL & ~(1ULL << 31)) << "source and destination differ";
  EXPECT_EQ(same.low, 0U);
}

TEST(PktgenRandom, IsDecidedByTheSeed) {
  TrafficOptions traffic = ipv4_traffic();
  traffic.seed = 1;
  const FramePlan first = plan_frames(traffic, kSourceMac);
  const FramePlan again = plan_frames(traffic, kSourceMac);
  traffic.seed = 2;
  const FramePlan other = plan_frames(traffic, kSourceMac);
  int same = 0;
  for (std::uint64_t index = 0; index < 1000; ++index) {
    EXPECT_EQ(packet(first, index), packet(again, index));
    if (flow(first, index) == flow(other, index)) ++same;
  }
  EXPECT_LT(same, 3);
}

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
