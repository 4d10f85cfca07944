#include "util/counter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "util/version.h"

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
    while (!done) {
      const Version::Write write(version);
      first.add(1);
      second.add(1);
    }
  });
  constexpr int kReads = 100'000;
  int consistent = 0;
  int torn = 0;
  for (int i = 0; i < kReads; ++i) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    // False if the writer lost its CPU in the middle, for longer than one waits.
    if (!version.read_consistently([&] {
          a = first.get();
          b = second.get();
        })) {
      continue;
    }
    ++consistent;
    torn += a == b ? 0 : 1;
  }
  done = true;
  writer.join();
  EXPECT_EQ(torn, 0);
  EXPECT_GT(consistent, kReads / 2);
}

TEST(Version, AStuckWriterDoesNotHoldUpReaders) {
  Version version;
  Counter counter;
  const Version::Write stuck(version);
  counter.add(1);
  std::uint64_t value = 0;
  EXPECT_FALSE(version.read_consistently([&] { value = counter.get(); }));
  EXPECT_EQ(value, 1U);
}

}  // namespace
}  // namespace afxfw
