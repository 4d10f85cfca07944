#include "replay/capture_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/capture.h"
#include "harness/packet.h"
#include "util/error.h"

namespace afxfw::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct ReadBack {
  Bytes bytes;
  std::uint32_t length = 0;
  CaptureTime time;

  bool operator==(const ReadBack&) const = default;
};

struct Contents {
  std::vector<ReadBack> packets;
  std::string damage;
};

Contents read_all(const Bytes& file) {
  CaptureReader reader(as_file(file), "test.pcap");
  Contents contents;
  while (const auto packet = reader.next()) {
    contents.packets.push_back(
        {Bytes(packet->bytes.begin(), packet->bytes.end()), packet->length_bytes, packet->time});
  }
  contents.damage = reader.damage();
  EXPECT_FALSE(reader.next()) << "the end stays the end";
  return contents;
}

/// What opening the file says is wrong.
std::string refusal(const Bytes& file) {
  try {
    const CaptureReader reader(as_file(file), "test.pcap");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return "";
}

Bytes frame() { return (Ethernet{} / Ipv4{} / Udp{} / Payload(30)).bytes(); }

struct Variant {
  bool big_endian;
  bool nanoseconds;
};
class EachFormat : public testing::TestWithParam<Variant> {
 protected:
  /// 0.5 s in the file's unit.
  static std::uint32_t half() { return GetParam().nanoseconds ? 500'000'000 : 500'000; }
  static std::vector<ReadBack> expected() {
    return {{frame(), 72, {1'700'000'000, 500'000'000}}, {Bytes(14), 1514, {4'000'000'000, 0}}};
  }
};

TEST_P(EachFormat, OfPcap) {
  PcapFile file({.big_endian = GetParam().big_endian, .nanoseconds = GetParam().nanoseconds});
  file.add({frame(), 1'700'000'000, half()}).add({Bytes(14), 4'000'000'000, 0, 1514});
  const Contents contents = read_all(file.bytes());
  EXPECT_EQ(contents.packets, expected());
  EXPECT_EQ(contents.damage, "");
}

TEST_P(EachFormat, OfPcapng) {
  PcapngFile file(GetParam().big_endian);
  file.add_interface(1).add_interface(1, GetParam().nanoseconds);
  file.add(1, {frame(), 1'700'000'000, half()}).add(0, {Bytes(14), 4'000'000'000, 0, 1514});
  const Contents contents = read_all(file.bytes());
  EXPECT_EQ(contents.packets, expected());
  EXPECT_EQ(contents.damage, "");
}

INSTANTIATE_TEST_SUITE_P(CaptureReader, EachFormat,
                         testing::Values(Variant{false, false}, Variant{false, true},
                                         Variant{true, false}, Variant{true, true}));

TEST(CaptureReader, AFileWithoutPacketsIsFine) {
  const Contents contents = read_all(PcapFile().bytes());
  EXPECT_TRUE(contents.packets.empty());
  EXPECT_EQ(contents.damage, "");
}

TEST(CaptureReader, WhatComesBeforeABreakCounts) {
  const Bytes whole = PcapFile().add({frame()}).add({frame()}).bytes();
  const std::size_t second = 24 + 16 + frame().size();
  for (std::size_t size = second + 1; size < whole.size(); ++size) {
    Bytes cut = whole;
    cut.resize(size);
    const Contents contents = read_all(cut);
    EXPECT_EQ(contents.packets.size(), 1u) << size;
    EXPECT_THAT(contents.damage, HasSubstr("truncated")) << size;
  }
}

TEST(CaptureReader, AFractionOfASecondIsLessThanASecond) {
  const Contents contents =
      read_all(PcapFile().add({frame(), 1, 0xffffffff}).add({frame(), 1, 1'000'000}).bytes());
  ASSERT_EQ(contents.packets.size(), 2u);
  for (const ReadBack& packet : contents.packets) {
    EXPECT_GE(packet.time.nanoseconds, 0);
    EXPECT_LT(packet.time.nanoseconds, 1'000'000'000);
  }
}

TEST(CaptureReader, LengthsThatLieDoNotHideWhatIsThere) {
  const Contents contents = read_all(PcapFile().add({frame(), 0, 0, 10}).bytes());
  ASSERT_EQ(contents.packets.size(), 1u);
  EXPECT_EQ(contents.packets[0].length, frame().size());
}

TEST(CaptureReader, InterfacesOfDifferentLinkTypesAreExplained) {
  PcapngFile file;
  file.add_interface(1).add(0, {frame()}).add_interface(101).add(1, {frame()});
  const Contents contents = read_all(file.bytes());
  EXPECT_EQ(contents.packets.size(), 1u);
  EXPECT_THAT(contents.damage, AllOf(HasSubstr("another link type"), HasSubstr("Ethernet")));
}

TEST(CaptureReader, OtherLinkTypesAreNamed) {
  EXPECT_THAT(refusal(PcapFile({.link_type = 105}).bytes()),
              AllOf(HasSubstr("test.pcap"), HasSubstr("802.11"), HasSubstr("Ethernet")));
  EXPECT_THAT(refusal(PcapFile({.link_type = 4000}).bytes()), HasSubstr("number 4000"));
}

TEST(CaptureReader, SaysWhatToDoAboutOtherFiles) {
  EXPECT_THAT(refusal({}), AllOf(HasSubstr("test.pcap"), HasSubstr("empty")));
  EXPECT_THAT(refusal(Bytes(100, std::byte{'x'})), HasSubstr("pcap or pcapng"));
  EXPECT_THAT(refusal(hex("1f8b 0800 0000 0000 0003")), HasSubstr("zcat"));
  EXPECT_THAT(refusal(hex("28b5 2ffd 0458 0000")), HasSubstr("zstdcat"));
}

TEST(CaptureReader, NamesAPathThatCannotBeOpened) {
  const TemporaryFolder folder;
  for (const std::string& path : {folder.path("missing.pcap"), folder.path("")}) {
    try {
      const CaptureReader reader(path);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_THAT(error.what(), HasSubstr(path));
    }
  }
}

}  // namespace
}  // namespace afxfw::test
