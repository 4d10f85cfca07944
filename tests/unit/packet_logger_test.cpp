#include "engine/packet_logger.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

namespace afxfw {
namespace {

PacketRecord blocked_tcp() {
  PacketRecord record;
  record.version = 4;
  record.source = 0xC6336407;  // 198.51.100.7
  record.destination = 0xC0000201;
  record.protocol = IPPROTO_TCP;
  record.has_ports = true;
  record.source_port = 40000;
  record.destination_port = 443;
  record.length_bytes = 60;
  record.queue_id = 3;
  record.action = Action::kDrop;
  record.reason = DropReason::kBlocklist;
  return record;
}

TEST(FormatRecord, TcpDropped) {
  EXPECT_EQ(format_record(blocked_tcp()),
            "src=198.51.100.7 dst=192.0.2.1 proto=tcp dport=443 action=drop reason=blocklist "
            "sport=40000 len=60 queue=3");
}

TEST(FormatRecord, Ipv6WithoutPorts) {
  PacketRecord record;
  record.version = 6;
  record.source = (Ipv6Bits{0x20010db8} << 96) | 1;
  record.destination = (Ipv6Bits{0x20010db8} << 96) | 2;
  record.protocol = IPPROTO_ICMPV6;
  record.length_bytes = 86;
  EXPECT_EQ(format_record(record),
            "src=2001:db8::1 dst=2001:db8::2 proto=icmpv6 action=accept len=86 queue=0");
}

TEST(FormatRecord, MalformedHasNoAddresses) {
  PacketRecord record;
  record.action = Action::kDrop;
  record.reason = DropReason::kMalformed;
  record.length_bytes = 20;
  EXPECT_EQ(format_record(record), "action=drop reason=malformed len=20 queue=0");
}

TEST(PacketLogger, PrintsEverythingQueuedBeforeItStops) {
  PacketRecordQueue queue(kPacketRecordQueueSize);
  std::string output;
  PacketLogger logger({&queue}, 0, [&](std::string_view lines) { output += lines; });
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(queue.push(blocked_tcp()));
  logger.stop();
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 100);
  EXPECT_EQ(logger.lines(), 100U);
  EXPECT_EQ(logger.suppressed(), 0U);
}

TEST(PacketLogger, CountsWhatIsOverTheRate) {
  PacketRecordQueue queue(kPacketRecordQueueSize);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(queue.push(blocked_tcp()));
  std::string output;
  const auto start = std::chrono::steady_clock::now();
  constexpr std::uint32_t kRate = 10;
  PacketLogger logger({&queue}, kRate, [&](std::string_view lines) { output += lines; });
  logger.stop();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(logger.lines() + logger.suppressed(), 1000U);
  EXPECT_GE(logger.lines(), kRate);
  EXPECT_LE(logger.lines(), kRate + static_cast<std::uint64_t>(took.count() * kRate) + 1);
  EXPECT_EQ(static_cast<std::uint64_t>(std::count(output.begin(), output.end(), '\n')),
            logger.lines());
}

}  // namespace
}  // namespace afxfw
