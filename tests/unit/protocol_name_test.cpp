#include "net/protocol_name.h"

#include <gtest/gtest.h>

#include "net/packet_view.h"

namespace afxfw {
namespace {

TEST(ProtocolName, IsTheUsualOneOrTheNumber) {
  EXPECT_EQ(protocol_name(6), "tcp");
  EXPECT_EQ(protocol_name(17), "udp");
  EXPECT_EQ(protocol_name(58), "icmpv6");
  EXPECT_EQ(protocol_name(253), "253");
  EXPECT_EQ(protocol_name(PacketView::kProtocolUnknown), "unknown");
}

TEST(ProtocolName, IsReadInAnyCase) {
  EXPECT_EQ(protocol_number("UDP"), 17);
  EXPECT_EQ(protocol_number("IcmpV6"), 58);
  EXPECT_EQ(protocol_number("icmp6"), std::nullopt);
  EXPECT_EQ(protocol_number("tc"), std::nullopt);
  EXPECT_EQ(protocol_number("tcpx"), std::nullopt);
  EXPECT_EQ(protocol_number(""), std::nullopt);
}

}  // namespace
}  // namespace afxfw
