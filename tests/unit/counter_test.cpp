#include "util/counter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace afxfw {
namespace {

TEST(Counter, Adds) {
  Counter counter;
  counter.add(2);
  counter.add(40);
  EXPECT_EQ(counter.get(), 42U);
}

// Two counters that are equal whenever no write is in progress.
TEST(Version, ReadersNeverSeeHalfAWrite) {
  Version version;
  Counter first;
  Counter second;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 300'000; ++i) {
      const Version::Write write(version);
      first.add(1);
      second.add(1);
    }
    done = true;
  });
  std::uint64_t reads = 0;
  while (!done) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    version.read_consistently([&] {
      a = first.get();
      b = second.get();
    });
    ASSERT_EQ(a, b);
    ++reads;
  }
  writer.join();
  EXPECT_GT(reads, 0U);
}

TEST(Version, AStuckWriterDoesNotHoldUpReaders) {
  Version version;
  Counter counter;
  const Version::Write stuck(version);
  counter.add(1);
  std::uint64_t value = 0;
  version.read_consistently([&] { value = counter.get(); });
  EXPECT_EQ(value, 1U);
}

}  // namespace
}  // namespace afxfw
