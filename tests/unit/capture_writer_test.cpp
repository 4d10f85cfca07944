#include "replay/capture_writer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/capture.h"
#include "replay/capture_reader.h"
#include "util/error.h"

namespace afxfw::test {
namespace {

constexpr int kEthernet = 1;

CapturedPacket packet(const Bytes& bytes) {
  return {.bytes = bytes, .length_bytes = 1500, .time = {1'700'000'000, 123'456'789}};
}

TEST(CaptureWriter, WritesWhatWasCapturedToTheNanosecond) {
  const TemporaryFolder folder;
  const Bytes bytes = hex("0001 0203 0405 0607");
  CaptureWriter writer(folder.path("out.pcap"));
  writer.begin(kEthernet, "in.pcap");
  writer.write(packet(bytes));
  writer.commit();
  Bytes expected =
      PcapFile({.nanoseconds = true}).add({bytes, 1'700'000'000, 123'456'789, 1500}).bytes();
  EXPECT_EQ(read_bytes(folder.path("out.pcap")), expected);
}

TEST(CaptureWriter, LeavesNothingWithoutCommit) {
  const TemporaryFolder folder;
  {
    CaptureWriter writer(folder.path("out.pcap"));
    writer.begin(kEthernet, "in.pcap");
    EXPECT_EQ(folder.files().size(), 1u) << "under another name";
    EXPECT_NE(folder.files().front(), "out.pcap");
  }
  EXPECT_EQ(folder.files(), std::vector<std::string>{});
}

TEST(CaptureWriter, AFailureLeavesWhatWasThere) {
  const TemporaryFolder folder;
  const Bytes before = hex("0102");
  const std::string path = folder.write("out.pcap", before);
  {
    CaptureWriter writer(path);
    writer.begin(kEthernet, "in.pcap");
  }
  EXPECT_EQ(read_bytes(path), before);
}

TEST(CaptureWriter, KeepsTheModeOfWhatItReplaces) {
  const TemporaryFolder folder;
  const std::string path = folder.write("out.pcap", {});
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  CaptureWriter writer(path);
  writer.begin(kEthernet, "in.pcap");
  writer.commit();
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
}

TEST(CaptureWriter, WritesThroughASymbolicLink) {
  const TemporaryFolder folder;
  const std::string target = folder.write("target", {});
  ASSERT_EQ(::symlink(target.c_str(), folder.path("link").c_str()), 0);
  CaptureWriter writer(folder.path("link"));
  writer.begin(kEthernet, "in.pcap");
  writer.commit();
  EXPECT_EQ(folder.files(), (std::vector<std::string>{"link", "target"}));
  EXPECT_EQ(read_bytes(target).size(), 24u);
}

TEST(CaptureWriter, RefusesASecondLinkType) {
  const TemporaryFolder folder;
  CaptureWriter writer(folder.path("out.pcap"));
  writer.begin(kEthernet, "one.pcap");
  writer.begin(kEthernet, "two.pcap");
  try {
    writer.begin(228, "three.pcap");
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("three.pcap"), std::string::npos) << error.what();
  }
}

TEST(CaptureWriter, NamesAFileThatCannotBeMade) {
  const TemporaryFolder folder;
  EXPECT_THROW(CaptureWriter(folder.path("missing/out.pcap")), Error);
}

TEST(CaptureWriter, AFullDiskIsAnError) {
  CaptureWriter writer("/dev/full");
  writer.begin(kEthernet, "in.pcap");
  const Bytes bytes(60);
  EXPECT_THROW(
      {
        for (int i = 0; i < 10'000; ++i) writer.write(packet(bytes));
        writer.commit();
      },
      Error);
}

}  // namespace
}  // namespace afxfw::test
