#include "ctl/pcapng.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <memory>
#include <string>
#include <vector>

#include "ctl/packet_filter.h"
#include "harness/bytes.h"
#include "harness/capture.h"
#include "util/error.h"

namespace afxfw::test {
namespace {

using namespace std::string_literals;

constexpr std::uint64_t kTime = 1'700'000'000'123'456'789;

/// Bytes in hexadecimal, as the specification's diagrams have them, on a little-endian machine.
std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string small_file() {
  std::string file;
  pcapng::append(file, pcapng::Section{.application = "test", .comment = "a comment"});
  pcapng::append(file, pcapng::Interface{.snap_length = 96, .name = "accept"});
  pcapng::append(file, pcapng::Interface{.snap_length = 96, .name = "drop rule", .filter = "tcp"});
  return file;
}

TEST(Pcapng, BlocksAreThoseOfTheSpecification) {
  std::string block;
  pcapng::append(block, pcapng::Section{.application = "afxfw"});
  EXPECT_EQ(block, text_of(hex("0a0d0d0a 2c000000 4d3c2b1a 0100 0000 ffffffffffffffff"
                               "0400 0500 6166786677 000000"  // shb_userappl
                               "00000000 2c000000")));
  block.clear();
  pcapng::append(block, pcapng::Interface{.snap_length = 96, .name = "if", .filter = "udp"});
  EXPECT_EQ(block, text_of(hex("01000000 30000000 0100 0000 60000000"
                               "0200 0200 6966 0000"  // if_name
                               "0900 0100 09 000000"  // if_tsresol: 10^-9 s
                               "0b00 0400 00 756470"  // if_filter: text
                               "00000000 30000000")));
  block.clear();
  pcapng::append(block, pcapng::Packet{.interface = 1,
                                       .time_ns = 0x1122334455667788,
                                       .bytes = "abcde",
                                       .length_bytes = 60,
                                       .queue = 3,
                                       .comment = "why"});
  EXPECT_EQ(block, text_of(hex("06000000 44000000 01000000 44332211 88776655 05000000 3c000000"
                               "6162636465 000000"
                               "0100 0300 776879 00"  // opt_comment
                               "0200 0400 01000000"   // epb_flags: inbound
                               "0600 0400 03000000"   // epb_queue
                               "00000000 44000000")));
  block.clear();
  pcapng::append(block, pcapng::Statistics{.interface = 2,
                                           .start_ns = 0x0000000100000002,
                                           .end_ns = 0x0000000300000004,
                                           .received = 5,
                                           .dropped = 6,
                                           .filter_accepted = 7,
                                           .delivered = 8});
  EXPECT_EQ(block, text_of(hex("05000000 64000000 02000000 03000000 04000000"
                               "0200 0800 01000000 02000000"  // isb_starttime
                               "0300 0800 03000000 04000000"  // isb_endtime
                               "0400 0800 0500000000000000"   // isb_ifrecv
                               "0500 0800 0600000000000000"   // isb_ifdrop
                               "0600 0800 0700000000000000"   // isb_filteraccept
                               "0800 0800 0800000000000000"   // isb_usrdeliv
                               "00000000 64000000")));
}

TEST(Pcapng, IsReadByLibpcap) {
  std::string file = small_file();
  const std::string long_comment(5'000, 'c');
  for (std::uint32_t i = 0; i < 9; ++i) {
    pcapng::append(file, pcapng::Packet{.interface = i % 2,
                                        .time_ns = kTime + i,
                                        .bytes = "0123456789"s.substr(0, i),
                                        .length_bytes = 100 + i,
                                        .comment = i == 3 ? long_comment : ""});
  }
  pcapng::append(file, pcapng::Statistics{.interface = 1, .received = 4});
  const Bytes bytes(reinterpret_cast<const std::byte*>(file.data()),
                    reinterpret_cast<const std::byte*>(file.data() + file.size()));
  char error[PCAP_ERRBUF_SIZE] = "";
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(
      pcap_fopen_offline_with_tstamp_precision(as_file(bytes), PCAP_TSTAMP_PRECISION_NANO, error),
      pcap_close);
  ASSERT_NE(capture, nullptr) << error;
  EXPECT_EQ(pcap_datalink(capture.get()), DLT_EN10MB);
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  for (std::uint32_t i = 0; i < 9; ++i) {
    ASSERT_EQ(pcap_next_ex(capture.get(), &header, &data), 1) << pcap_geterr(capture.get());
    EXPECT_EQ(header->ts.tv_sec, 1'700'000'000);
    EXPECT_EQ(header->ts.tv_usec, 123'456'789 + i) << "nanoseconds, here";
    EXPECT_EQ(header->caplen, i);
    EXPECT_EQ(header->len, 100 + i);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(data), i), "0123456789"s.substr(0, i));
  }
  EXPECT_EQ(pcap_next_ex(capture.get(), &header, &data), PCAP_ERROR_BREAK) << "the end";
}

TEST(Pcapng, FindsTheLastWholeBlock) {
  std::string file = small_file();
  const std::size_t before = file.size();
  pcapng::append(file, pcapng::Packet{.interface = 1, .bytes = "abc", .length_bytes = 3});
  const std::size_t first = file.size();
  pcapng::append(file, pcapng::Packet{.interface = 0, .bytes = "defgh", .length_bytes = 5});
  for (std::size_t bytes = 0; bytes <= file.size(); ++bytes) {
    const std::size_t whole = pcapng::whole_blocks(file, bytes);
    ASSERT_LE(whole, bytes);
    if (bytes >= before) {
      EXPECT_EQ(whole, bytes < first ? before : bytes < file.size() ? first : file.size());
    }
  }
  EXPECT_EQ(pcapng::packet_interfaces(file), (std::vector<std::uint32_t>{1, 0}));
  EXPECT_TRUE(pcapng::packet_interfaces("").empty());
}

TEST(PacketFilter, MatchesAsTcpdumpDoes) {
  // Ethernet, IPv4, TCP from 192.0.2.1 port 1 to 198.51.100.7 port 443.
  const std::string frame =
      text_of(hex("020000000001 020000000002 0800"
                  "45000028 00000000 40060000 c0000201 c6336407"
                  "0001 01bb 00000000 00000000 50100000 00000000"));
  const auto length = static_cast<std::uint32_t>(frame.size());
  EXPECT_TRUE(PacketFilter("tcp port 443 and src host 192.0.2.1").matches(frame, length));
  EXPECT_FALSE(PacketFilter("udp").matches(frame, length));
  EXPECT_TRUE(PacketFilter("greater 1000").matches(frame, 1514)) << "the length of the whole";
  EXPECT_FALSE(PacketFilter("tcp port 443").matches(std::string_view(frame).substr(0, 20), length))
      << "the ports are cut off";
}

TEST(PacketFilter, WhatIsNoneIsAUsageError) {
  try {
    const PacketFilter filter("tcp prot 80");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("'tcp prot 80' is no filter: "), std::string::npos);
  }
}

}  // namespace
}  // namespace afxfw::test
