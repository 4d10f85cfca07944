#include "replay/frame_maker.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/packet.h"
#include "net/packet_view.h"
#include "replay/link_type.h"

namespace afxfw::test {
namespace {

/// A frame with its own copy of the bytes.
struct Made {
  Bytes bytes;
  std::size_t known_bytes = 0;

  explicit Made(const Frame& frame)
      : bytes(frame.bytes.begin(), frame.bytes.end()), known_bytes(frame.known_bytes) {}
  [[nodiscard]] PacketView view() const { return parse(bytes); }
};

/// link_header, then what follows the Ethernet header of `packet`.
Made make(LinkType type, const std::string& link_header, const Packet& packet) {
  Bytes captured = hex(link_header);
  const Bytes frame = packet.bytes();
  captured.insert(captured.end(), frame.begin() + 14, frame.end());
  FrameMaker maker(type);
  return Made(
      maker.make({.bytes = captured, .length_bytes = static_cast<std::uint32_t>(captured.size())}));
}

const Packet kIpv4 = Ethernet{} / Ipv4{} / Tcp{.destination_port = 443} / Payload(10);
const Packet kIpv6 = Ethernet{} / Ipv6{} / Tcp{.destination_port = 443} / Payload(10);
const std::string kSllEnd = "0001 0006 0200 0000 0009 0000";
const std::string kSll2Middle = "0000 0000 0002 0001 00 06 0200 0000 0009 0000";

void expect_version(const Made& made, int version, const char* what) {
  const PacketView view = made.view();
  EXPECT_TRUE(view.ok()) << what;
  EXPECT_EQ(view.version, version) << what;
  EXPECT_EQ(view.destination_port, 443) << what;
  EXPECT_EQ(made.known_bytes, made.bytes.size()) << what;
}

TEST(FrameMaker, MakesAnEthernetHeaderForEachLinkType) {
  expect_version(make(LinkType::kRawIp, "", kIpv4), 4, "raw");
  expect_version(make(LinkType::kRawIp, "", kIpv6), 6, "raw");
  expect_version(make(LinkType::kIpv4, "", kIpv4), 4, "IPv4");
  expect_version(make(LinkType::kIpv6, "", kIpv6), 6, "IPv6");
  expect_version(make(LinkType::kLinuxCooked, "0000" + kSllEnd + "0800", kIpv4), 4, "SLL");
  expect_version(make(LinkType::kLinuxCooked, "0000" + kSllEnd + "86dd", kIpv6), 6, "SLL");
  expect_version(make(LinkType::kLinuxCooked2, "0800" + kSll2Middle, kIpv4), 4, "SLL2");
  expect_version(make(LinkType::kLinuxCooked2, "86dd" + kSll2Middle, kIpv6), 6, "SLL2");
}

TEST(FrameMaker, ReadsLoopbackFamiliesInEitherByteOrder) {
  expect_version(make(LinkType::kLoopback, "0000 0002", kIpv4), 4, "big endian");
  expect_version(make(LinkType::kLoopback, "0200 0000", kIpv4), 4, "little endian");
  for (const char* family : {"0000 000a", "0000 0018", "0000 001c", "0000 001e", "1e00 0000"}) {
    expect_version(make(LinkType::kLoopback, family, kIpv6), 6, family);
  }
  EXPECT_EQ(make(LinkType::kLoopback, "0000 0007", kIpv4).view().status, ParseStatus::kNotIp);
}

TEST(FrameMaker, KeepsTheSendersAddressOfACookedHeader) {
  const Bytes expected = hex("0000 0000 0000 0200 0000 0009 0800");
  for (const Made& made : {make(LinkType::kLinuxCooked, "0000" + kSllEnd + "0800", kIpv4),
                           make(LinkType::kLinuxCooked2, "0800" + kSll2Middle, kIpv4)}) {
    EXPECT_EQ(Bytes(made.bytes.begin(), made.bytes.begin() + 14), expected);
  }
}

TEST(FrameMaker, SeesTagsBehindACookedHeader) {
  Bytes captured = hex("0000" + kSllEnd + "8100 0005 0800");
  const Bytes frame = kIpv4.bytes();
  captured.insert(captured.end(), frame.begin() + 14, frame.end());
  FrameMaker maker(LinkType::kLinuxCooked);
  const Made made(
      maker.make({.bytes = captured, .length_bytes = static_cast<std::uint32_t>(captured.size())}));
  EXPECT_EQ(made.view().vlan_ids[0], 5);
  EXPECT_EQ(made.view().destination_port, 443);
}

TEST(FrameMaker, WhatIsNoEtherTypeIsNotIp) {
  const std::string netlink = "0004 0338 0000 0000 0000 0000 0000 0800";
  EXPECT_EQ(make(LinkType::kLinuxCooked, netlink, kIpv4).view().status, ParseStatus::kNotIp);
  const std::string novell = "0000" + kSllEnd + "0001";
  EXPECT_EQ(make(LinkType::kLinuxCooked, novell, kIpv4).view().status, ParseStatus::kNotIp);
}

TEST(FrameMaker, EthernetStaysAsItIs) {
  const Bytes frame = kIpv4.bytes();
  FrameMaker maker(LinkType::kEthernet);
  const Frame made =
      maker.make({.bytes = frame, .length_bytes = static_cast<std::uint32_t>(frame.size())});
  EXPECT_EQ(made.bytes.data(), frame.data()) << "no copy";
  EXPECT_TRUE(made.whole());
}

TEST(FrameMaker, PadsWhatASnapLengthCutOff) {
  const Bytes whole = (Ethernet{} / Ipv4{} / Udp{} / Payload(Bytes(1000))).bytes();
  FrameMaker maker(LinkType::kEthernet);
  const Made made(maker.make({.bytes = std::span(whole).first(64), .length_bytes = 1042}));
  EXPECT_EQ(made.bytes, whole) << "its payload is zeros";
  EXPECT_EQ(made.known_bytes, 64u);
}

TEST(FrameMaker, DoesNotPadBeyondWhatAnyPacketNeeds) {
  const Bytes start(64);
  FrameMaker maker(LinkType::kRawIp);
  const Frame made = maker.make({.bytes = start, .length_bytes = 0xffffffff});
  EXPECT_LT(made.bytes.size(), 70'000u);
  EXPECT_EQ(made.known_bytes, 64u + 14);
}

TEST(FrameMaker, ACutOffLinkHeaderLeavesNothingKnown) {
  for (const LinkType type :
       {LinkType::kLinuxCooked, LinkType::kLinuxCooked2, LinkType::kLoopback}) {
    const Bytes start(3);
    FrameMaker maker(type);
    EXPECT_EQ(maker.make({.bytes = start, .length_bytes = 3}).bytes.size(), 0u);
    const Frame cut = maker.make({.bytes = start, .length_bytes = 100});
    EXPECT_EQ(cut.known_bytes, 0u);
    EXPECT_EQ(cut.bytes.size(), 97u);
  }
}

}  // namespace
}  // namespace afxfw::test
