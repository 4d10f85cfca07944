#include <gtest/gtest.h>

#include <stdexcept>

#include "harness/packet.h"

// The builder is what other tests take expected packets from, so it is compared
// with packets that Linux sent, as tcpdump showed them.
namespace afxfw::test {
namespace {

TEST(PacketBuilder, MakesALinuxTcpReset) {
  const Packet packet =
      Ethernet{.source = "02:00:00:00:00:02", .destination = "02:00:00:00:00:01"} /
      Ipv4{.source = "198.51.100.2",
           .destination = "198.51.100.1",
           .identification = 0,
           .dont_fragment = true} /
      Tcp{.source_port = 8080,
          .destination_port = 48790,
          .sequence = 0,
          .acknowledgement = 88060173,
          .flags = 0x14,
          .window = 0};
  EXPECT_EQ(packet.bytes(),
            hex("0200 0000 0001 0200 0000 0002 0800 4500 0028 0000 4000 4006 e665 c633 6402"
                "c633 6401 1f90 be96 0000 0000 053f b10d 5014 0000 c6f2 0000"));
}

TEST(PacketBuilder, MakesALinuxUdpDatagramOverIpv6) {
  const Packet packet =
      Ethernet{} /
      Ipv6{.source = "2001:db8::1", .destination = "2001:db8::2", .flow_label = 0x28b3b} /
      Udp{.source_port = 40000, .destination_port = 9} / Payload("checksum");
  // The checksum as tcpdump works it out; Linux had left it to the hardware.
  EXPECT_EQ(packet.bytes(),
            hex("0200 0000 0002 0200 0000 0001 86dd 6002 8b3b 0010 1140"
                "2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000 0000 0000 0000 0002"
                "9c40 0009 0010 5e63 6368 6563 6b73 756d"));
}

TEST(PacketBuilder, LinksTheLayers) {
  const Bytes frame =
      (Ethernet{} / Vlan{.id = 100, .tag = 0x88a8} / Vlan{.id = 5, .priority = 3} / Ipv6{} /
       HopByHop{} /
       FragmentHeader{
           .offset = 3, .more_fragments = true, .identification = 0x01020304, .next_header = 17} /
       Payload(hex("aa bb")))
          .bytes();
  EXPECT_EQ(frame, hex("020000000002 020000000001 88a8 0064 8100 6005 86dd 60000000 0012 00 40"
                       "20010db8000000000000000000000001 20010db8000100000000000000000001"
                       "2c00000000000000 1100001901020304 aabb"));
}

TEST(PacketBuilder, CutsAPacketIntoFragmentsThatAddUp) {
  const Packet whole = Ethernet{} / Ipv4{.options = Bytes(4)} / Udp{} / Payload(100);
  Bytes joined;
  for (const Packet& piece : fragments(whole, 40)) {
    const Bytes bytes = piece.bytes();
    joined.insert(joined.end(), bytes.begin() + 14 + 24, bytes.end());
  }
  const Bytes expected = whole.bytes();
  EXPECT_EQ(joined, Bytes(expected.begin() + 14 + 24, expected.end()));
}

TEST(PacketBuilder, RefusesWhatItCannotRead) {
  EXPECT_THROW(static_cast<void>(hex("4")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(hex("zz")), std::invalid_argument);
  EXPECT_THROW(Ipv4Address("1.2.3"), std::invalid_argument);
  EXPECT_THROW(Ipv6Address("1.2.3.4"), std::invalid_argument);
  EXPECT_THROW(MacAddress("02:00:00:00:00"), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(fragments(Ethernet{} / Arp{}, 8)), std::invalid_argument);
}

}  // namespace
}  // namespace afxfw::test
