#include "protocol/capture_records.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "protocol/request.h"

namespace afxfw::protocol {
namespace {

/// Bytes as docs/control.md has them.
template <typename... Numbers>
std::string bytes_of(Numbers... numbers) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&numbers), sizeof(numbers)), ...);
  return bytes;
}

std::string packet_bytes(const std::string& frame, std::uint32_t length) {
  return bytes_of(static_cast<std::uint32_t>(24 + frame.size()), 'P', std::uint8_t{2},
                  std::uint16_t{5}, std::uint32_t{12}, length, std::uint64_t{1'700'000'000}) +
         frame;
}

std::string packet_record() {
  std::string output;
  append_record(
      output,
      CapturePacketHead{
          .verdict = 2, .queue = 5, .rule = 12, .length_bytes = 100, .time_ns = 1'700'000'000},
      "frame");
  return output;
}

TEST(CaptureRecords, AreWhatDocsControlSays) {
  EXPECT_EQ(packet_record(), packet_bytes("frame", 100));
  std::string output;
  append_record(output, CaptureTallies{.final = true, .by_verdict = {{7, 2, 1}}});
  const std::string text = R"({"final":true,"verdicts":[{"seen":7,"over_rate":2,"no_room":1}]})";
  EXPECT_EQ(output,
            bytes_of(static_cast<std::uint32_t>(8 + text.size()), 'T', '\0', '\0', '\0') + text);
}

TEST(CaptureRecords, ComeBackFromPiecesOfAnyLength) {
  std::string stream = packet_record();
  const CaptureTallies tallies{.final = false, .by_verdict = {{1, 2, 3}, {4, 5, 6}}};
  append_record(stream, tallies);
  append_record(stream, CapturePacketHead{.length_bytes = kMaxSnapLength},
                std::string(kMaxSnapLength, 'x'));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, stream.size()}) {
    CaptureRecordReader reader;
    std::vector<std::string> packets;
    std::vector<CaptureTallies> told;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.feed(std::string_view(stream).substr(at, piece));
      while (const auto record = reader.next()) {
        if (const auto* packet = std::get_if<CapturePacket>(&*record)) {
          packets.emplace_back(packet->bytes);
        } else {
          told.push_back(std::get<CaptureTallies>(*record));
        }
      }
    }
    EXPECT_FALSE(reader.failed());
    ASSERT_EQ(packets.size(), 2U) << piece;
    EXPECT_EQ(packets[0], "frame");
    EXPECT_EQ(packets[1].size(), kMaxSnapLength);
    EXPECT_EQ(told, std::vector<CaptureTallies>{tallies});
  }
}

TEST(CaptureRecords, WhatIsNoneIsNoticed) {
  const auto tallies = [](const std::string& text) {
    return bytes_of(static_cast<std::uint32_t>(8 + text.size()), 'T', '\0', '\0', '\0') + text;
  };
  const std::vector<std::string> strange = {
      bytes_of(std::uint32_t{0}, std::uint32_t{0}),
      bytes_of(std::uint32_t{7}, 'P', '\0', '\0', '\0'),
      bytes_of(std::uint32_t{0xffffffff}, 'P', '\0', '\0', '\0'),
      bytes_of(std::uint32_t{8}, 'X', '\0', '\0', '\0'),
      bytes_of(std::uint32_t{8}, 'P', '\0', '\0', '\0'),
      packet_bytes("longer than it was", 3),
      tallies("{"),
      tallies("[]"),
      tallies(R"({"final":1,"verdicts":[]})"),
      tallies(R"({"final":true})"),
  };
  for (std::size_t i = 0; i < strange.size(); ++i) {
    CaptureRecordReader reader;
    reader.feed(strange[i]);
    EXPECT_FALSE(reader.next().has_value()) << i;
    EXPECT_TRUE(reader.failed()) << i;
  }
}

}  // namespace
}  // namespace afxfw::protocol
