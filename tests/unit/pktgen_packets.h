#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <tuple>
#include <vector>

#include "pktgen/frame_plan.h"

// Packets of afxfw-pktgen for its tests, and a dissector of their own.
namespace afxfw::pktgen {

using Bytes = std::vector<std::uint8_t>;

inline constexpr MacAddress kSourceMac = {0x02, 0, 0, 0, 0, 0x0a};
inline constexpr MacAddress kDestinationMac = {0x02, 0, 0, 0, 0, 0x0b};

inline Prefix prefix(const char* text) { return parse_prefix(text)->prefix; }

inline TrafficOptions ipv4_traffic(Protocol protocol = Protocol::kUdp) {
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

inline TrafficOptions ipv6_traffic(Protocol protocol = Protocol::kUdp) {
  TrafficOptions traffic = ipv4_traffic(protocol);
  traffic.source = prefix("2001:db8:0:1::/64");
  traffic.destination = prefix("2001:db8:0:2::a0/124");
  return traffic;
}

/// Packet `index` of the plan, as a sender makes it.
inline Bytes packet(const FramePlan& plan, std::uint64_t index) {
  Bytes frame(plan.frame.size());
  std::transform(plan.frame.begin(), plan.frame.end(), frame.begin(),
                 [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  pktgen_fields fields;
  pktgen_packet_fields(&plan.packet, index, &fields);
  pktgen_write_headers(frame.data(), &plan.packet, &fields);
  return frame;
}

inline Bytes packet(const TrafficOptions& traffic, std::uint64_t index) {
  return packet(plan_frames(traffic, kSourceMac), index);
}

inline std::uint32_t be(const Bytes& bytes, std::size_t at, std::size_t count) {
  return std::accumulate(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                         bytes.begin() + static_cast<std::ptrdiff_t>(at + count), 0U,
                         [](std::uint32_t sum, std::uint8_t byte) { return sum << 8 | byte; });
}

inline Bytes slice(const Bytes& bytes, std::size_t at, std::size_t count) {
  return {bytes.begin() + static_cast<std::ptrdiff_t>(at),
          bytes.begin() + static_cast<std::ptrdiff_t>(at + count)};
}

inline Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// RFC 1071, straight from its text: 0xffff over data with a right checksum.
inline std::uint16_t ones_complement_sum(const Bytes& bytes) {
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

inline Dissected dissect(const Bytes& frame) {
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

/// Addresses and ports of an IPv4 packet.
using Flow = std::tuple<unsigned, unsigned, unsigned, unsigned>;

inline Flow flow(const FramePlan& plan, std::uint64_t index) {
  const Dissected seen = dissect(packet(plan, index));
  return {be(seen.source, 0, 4), be(seen.destination, 0, 4), seen.source_port(),
          seen.destination_port()};
}

}  // namespace afxfw::pktgen
