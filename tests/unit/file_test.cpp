#include "util/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "util/error.h"

namespace afxfw {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ReadFile : public testing::Test {
 protected:
  ReadFile() {
    std::string pattern = testing::TempDir() + "afxfw-file-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string write(const std::string& contents) const {
    std::ofstream(path("file"), std::ios::binary) << contents;
    return path("file");
  }

  static std::string message_of_failure(const std::string& path,
                                        std::size_t max_bytes = kMaxFileBytes) {
    try {
      (void)read_file(path, max_bytes);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return error.what();
    }
    ADD_FAILURE() << "no error for " << path;
    return "";
  }

 private:
  std::string directory_;
};

TEST_F(ReadFile, GivesEveryByte) {
  const std::string contents("1.2.3.4\r\n\0\xff", 11);
  EXPECT_EQ(read_file(write(contents)), contents);
  EXPECT_EQ(read_file(write("")), "");
}

TEST_F(ReadFile, ReadsFilesWhoseSizeIsNotKnownBeforehand) {
  // Zero bytes by stat, some kilobytes by read.
  EXPECT_GT(read_file("/proc/self/maps").size(), 1000U);
}

TEST_F(ReadFile, RefusesMoreThanTheLimit) {
  const std::string file = write("12345");
  EXPECT_EQ(read_file(file, 5), "12345");
  EXPECT_THAT(message_of_failure(file, 4), AllOf(HasSubstr(file), HasSubstr("limit of 4 bytes")));
  EXPECT_THAT(message_of_failure("/proc/self/maps", 100), HasSubstr("limit of 100 bytes"));
}

TEST_F(ReadFile, NamesAMissingFile) {
  EXPECT_THAT(message_of_failure(path("none")),
              AllOf(HasSubstr(path("none")), HasSubstr("No such file")));
}

TEST_F(ReadFile, RefusesADirectory) {
  EXPECT_THAT(message_of_failure(path("")), HasSubstr("is a directory"));
}

TEST_F(ReadFile, RefusesAPipeWithoutWaitingForAWriter) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(message_of_failure(path("fifo")), HasSubstr("not a regular file"));
}

TEST_F(ReadFile, TellsWhenReadingFails) {
  // Address 0 is mapped in no process, so the read gives EIO.
  EXPECT_THAT(message_of_failure("/proc/self/mem"), HasSubstr("cannot read '/proc/self/mem'"));
}

}  // namespace
}  // namespace afxfw
