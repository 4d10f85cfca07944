#include "net/checksum.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

#include "harness/packet.h"
#include "net/packet_view.h"

namespace afxfw::test {
namespace {

TEST(InternetChecksum, OfTheExampleInRfc1071) {
  // Section 3: the sum of these bytes is ddf2.
  EXPECT_EQ(internet_checksum(hex("00 01 f2 03 f4 f5 f6 f7")), 0xffff - 0xddf2);
}

TEST(InternetChecksum, OfAKnownIpv4Header) {
  const Bytes without = hex("4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7");
  const Bytes with = hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7");
  EXPECT_EQ(internet_checksum(without), 0xb861);
  EXPECT_EQ(internet_checksum(with), 0);
}

TEST(InternetChecksum, OfNothingIsAllOnes) { EXPECT_EQ(internet_checksum({}), 0xffff); }

TEST(InternetChecksum, PadsAnOddLastByteWithZero) {
  EXPECT_EQ(internet_checksum(hex("12 34 56")), 0xffff - (0x1234 + 0x5600));
}

TEST(InternetChecksum, CarriesAroundAtEachLengthAndAlignment) {
  const Bytes ones(80, std::byte{0xff});
  const Bytes mixed = Payload(80).bytes;
  for (std::size_t offset = 0; offset < 8; ++offset) {
    for (std::size_t length = 0; length + offset <= ones.size(); ++length) {
      const auto part = std::span(ones).subspan(offset, length);
      EXPECT_EQ(internet_checksum(part), naive_checksum(part)) << offset << " " << length;
      const auto other = std::span(mixed).subspan(offset, length);
      EXPECT_EQ(internet_checksum(other), naive_checksum(other)) << offset << " " << length;
    }
  }
}

struct Captured {
  std::string name;
  std::string frame;       ///< as Linux 6.18 handed it over on veth, transmit checksumming on
  std::size_t field;       ///< offset of the checksum
  std::uint16_t complete;  ///< as tcpdump works it out
};

class FinishCapturedChecksum : public testing::TestWithParam<Captured> {};

TEST_P(FinishCapturedChecksum, AsTcpdumpExpects) {
  Bytes frame = hex(GetParam().frame);
  ASSERT_TRUE(finish_partial_checksum(frame, parse(frame)));
  EXPECT_EQ(load_be16(frame.data() + GetParam().field), GetParam().complete);
}

TEST_P(FinishCapturedChecksum, ChangesNothingButTheField) {
  const Bytes before = hex(GetParam().frame);
  Bytes after = before;
  ASSERT_TRUE(finish_partial_checksum(after, parse(after)));
  store_be16(after.data() + GetParam().field, load_be16(before.data() + GetParam().field));
  EXPECT_EQ(before, after);
}

TEST_P(FinishCapturedChecksum, OnlyOnce) {
  Bytes frame = hex(GetParam().frame);
  ASSERT_TRUE(finish_partial_checksum(frame, parse(frame)));
  const Bytes finished = frame;
  EXPECT_FALSE(finish_partial_checksum(frame, parse(frame)));
  EXPECT_EQ(frame, finished);
}

TEST_P(FinishCapturedChecksum, IgnoresEthernetPadding) {
  Bytes frame = hex(GetParam().frame);
  frame.resize(frame.size() + 13, std::byte{0xa5});
  ASSERT_TRUE(finish_partial_checksum(frame, parse(frame)));
  EXPECT_EQ(load_be16(frame.data() + GetParam().field), GetParam().complete);
}

TEST_P(FinishCapturedChecksum, BehindVlanTags) {
  Bytes frame = hex(GetParam().frame);
  const Bytes tags = hex("88a8 0064 8100 0005");
  frame.insert(frame.begin() + 12, tags.begin(), tags.end());
  ASSERT_TRUE(finish_partial_checksum(frame, parse(frame)));
  EXPECT_EQ(load_be16(frame.data() + GetParam().field + tags.size()), GetParam().complete);
}

INSTANTIATE_TEST_SUITE_P(
    Checksum, FinishCapturedChecksum,
    testing::Values(
        Captured{"udp4",
                 "020000000002 020000000001 0800 4500 0024 4939 4000 4011 9d25 c6336401 c6336402"
                 "9c40 0009 0010 548c 636865636b73756d",
                 40, 0x656d},
        Captured{"tcp4",
                 "020000000002 020000000001 0800 4500 003c 8b80 4000 4006 5ad1 c6336401 c6336402"
                 "be96 1f90 053fb10c 00000000 a002 faf0 5499 0000"
                 "0204 05b4 0402 080a 9e34 2f19 0000 0000 0103 030a",
                 50, 0x96e1},
        Captured{"udp6",
                 "020000000002 020000000001 86dd 6002 8b3b 0010 1140"
                 "20010db8000000000000000000000001 20010db8000000000000000000000002"
                 "9c40 0009 0010 5b96 636865636b73756d",
                 60, 0x5e63},
        Captured{"tcp6",
                 "020000000002 020000000001 86dd 6002 59f1 0028 0640"
                 "20010db8000000000000000000000001 20010db8000000000000000000000002"
                 "c07c 1f90 0215e6df 00000000 a002 fd20 5ba3 0000"
                 "0204 05a0 0402 080a 73a7 828a 0000 0000 0103 030a",
                 70, 0x3048},
        Captured{"tcp6reset",
                 "020000000001 020000000002 86dd 6002 5fd6 0014 0640"
                 "20010db8000000000000000000000002 20010db8000000000000000000000001"
                 "1f90 c07c 00000000 0215e6e0 5014 0000 5b8f 0000",
                 70, 0x8b59}),
    [](const auto& test) { return test.param.name; });

/// The folded sum of the pseudo header, which a sender leaves in the field.
std::uint16_t partial_checksum(const Ipv4& ip, unsigned protocol, unsigned length) {
  Writer pseudo;
  pseudo.raw(ip.source.bytes).raw(ip.destination.bytes).u32(length).u32(protocol);
  return static_cast<std::uint16_t>(~naive_checksum(pseudo.bytes()));
}

std::uint16_t partial_checksum(const Ipv6& ip, unsigned protocol, unsigned length) {
  Writer pseudo;
  pseudo.raw(ip.source.bytes).raw(ip.destination.bytes).u32(length).u32(protocol);
  return static_cast<std::uint16_t>(~naive_checksum(pseudo.bytes()));
}

std::uint16_t partial_udp(unsigned length) { return partial_checksum(Ipv4{}, IPPROTO_UDP, length); }

void expect_untouched(const Packet& packet) {
  const Bytes before = packet.bytes();
  Bytes after = before;
  EXPECT_FALSE(finish_partial_checksum(after, parse(after)));
  EXPECT_EQ(before, after);
}

TEST(FinishPartialChecksum, AtEachPayloadLength) {
  for (std::size_t length = 0; length < 70; ++length) {
    const auto udp_length = static_cast<unsigned>(8 + length);
    const Packet whole = Ethernet{} / Ipv4{} / Udp{} / Payload(length);
    const Packet partial =
        Ethernet{} / Ipv4{} / Udp{.checksum = partial_udp(udp_length)} / Payload(length);
    Bytes frame = partial.bytes();
    EXPECT_TRUE(finish_partial_checksum(frame, parse(frame))) << length;
    EXPECT_EQ(frame, whole.bytes()) << length;
  }
}

TEST(FinishPartialChecksum, BehindIpv4OptionsAndIpv6ExtensionHeaders) {
  const std::uint16_t v4 = partial_checksum(Ipv4{}, IPPROTO_TCP, 20 + 33);
  Bytes frame =
      (Ethernet{} / Ipv4{.options = Bytes(40)} / Tcp{.checksum = v4} / Payload(33)).bytes();
  EXPECT_TRUE(finish_partial_checksum(frame, parse(frame)));
  EXPECT_EQ(frame, (Ethernet{} / Ipv4{.options = Bytes(40)} / Tcp{} / Payload(33)).bytes());

  const std::uint16_t v6 = partial_checksum(Ipv6{}, IPPROTO_TCP, 20 + 33);
  frame = (Ethernet{} / Ipv6{} / HopByHop{} / DestinationOptions{.options = Bytes(300)} /
           Tcp{.checksum = v6} / Payload(33))
              .bytes();
  EXPECT_TRUE(finish_partial_checksum(frame, parse(frame)));
  EXPECT_EQ(frame, (Ethernet{} / Ipv6{} / HopByHop{} / DestinationOptions{.options = Bytes(300)} /
                    Tcp{} / Payload(33))
                       .bytes());
}

TEST(FinishPartialChecksum, SendsAZeroUdpChecksumAsAllOnes) {
  // The payload word that makes the sum come out as all ones.
  Bytes word(2);
  const Bytes with_zero = (Ethernet{} / Ipv4{} / Udp{} / Payload(word)).bytes();
  const std::uint16_t missing = load_be16(with_zero.data() + 40);
  store_be16(word.data(), missing);

  Bytes frame = (Ethernet{} / Ipv4{} / Udp{.checksum = partial_udp(10)} / Payload(word)).bytes();
  EXPECT_TRUE(finish_partial_checksum(frame, parse(frame)));
  EXPECT_EQ(load_be16(frame.data() + 40), 0xffff);
}

TEST(FinishPartialChecksum, UsesTheUdpLengthNotThePacketLength) {
  // Bytes behind the datagram, inside the IP packet, are in no checksum.
  const Packet whole = Ethernet{} / Ipv4{} / Udp{.length = 12, .checksum = partial_udp(12)} /
                       Payload(hex("01 02 03 04 a5 a5 a5"));
  Bytes frame = whole.bytes();
  EXPECT_TRUE(finish_partial_checksum(frame, parse(frame)));
  const Bytes datagram = (Ethernet{} / Ipv4{} / Udp{} / Payload(hex("01 02 03 04"))).bytes();
  EXPECT_EQ(load_be16(frame.data() + 40), load_be16(datagram.data() + 40));
}

TEST(FinishPartialChecksum, LeavesARightChecksumThatEqualsThePseudoHeaderSum) {
  // Right if the pseudo header counts twice: field and sum agree when the rest
  // of the datagram is the complement of both.
  const std::uint16_t partial = partial_udp(10);
  Bytes word(2);
  const Bytes probe = (Ethernet{} / Ipv4{} / Udp{.checksum = partial} / Payload(word)).bytes();
  Writer all;
  all.raw(Ipv4{}.source.bytes).raw(Ipv4{}.destination.bytes);
  all.u32(10).u32(IPPROTO_UDP).raw(std::span(probe).subspan(34));
  store_be16(word.data(), naive_checksum(all.bytes()));

  const Packet packet = Ethernet{} / Ipv4{} / Udp{.checksum = partial} / Payload(word);
  ASSERT_EQ(packet.bytes(), (Ethernet{} / Ipv4{} / Udp{} / Payload(word)).bytes());
  expect_untouched(packet);
}

TEST(FinishPartialChecksum, LeavesRightChecksums) {
  expect_untouched(Ethernet{} / Ipv4{} / Udp{} / Payload(20));
  expect_untouched(Ethernet{} / Ipv4{} / Tcp{} / Payload(21));
  expect_untouched(Ethernet{} / Ipv6{} / Udp{} / Payload(22));
  expect_untouched(Ethernet{} / Ipv6{} / Tcp{} / Payload(23));
}

TEST(FinishPartialChecksum, LeavesWrongChecksumsForTheHostToSee) {
  expect_untouched(Ethernet{} / Ipv4{} / Tcp{.checksum = 0x1234});
  expect_untouched(Ethernet{} / Ipv4{} / Udp{.checksum = 0x1234});
  expect_untouched(Ethernet{} / Ipv6{} / Udp{.checksum = 0});
}

TEST(FinishPartialChecksum, LeavesUdpOverIpv4WithoutChecksum) {
  expect_untouched(Ethernet{} / Ipv4{} / Udp{.checksum = 0} / Payload(20));
}

TEST(FinishPartialChecksum, LeavesFragments) {
  const std::uint16_t partial = partial_udp(8 + 24);
  expect_untouched(Ethernet{} / Ipv4{.more_fragments = true} / Udp{.checksum = partial} /
                   Payload(24));
  expect_untouched(Ethernet{} / Ipv4{.fragment_offset = 2, .protocol = IPPROTO_UDP} / Payload(32));
}

TEST(FinishPartialChecksum, LeavesOtherProtocolsAndWhatIsNotIp) {
  expect_untouched(Ethernet{} / Ipv4{} / Icmp{} / Payload(20));
  expect_untouched(Ethernet{} / Arp{});
  expect_untouched(Ethernet{} / Ipv4{.version = 5} / Udp{.checksum = partial_udp(8)});
}

}  // namespace
}  // namespace afxfw::test
