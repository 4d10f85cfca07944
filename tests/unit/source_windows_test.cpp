#include "worker/source_windows.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "harness/packet.h"

namespace afxfw {
namespace {

using test::Ethernet;
using test::Ipv4;
using test::Tcp;

// A batch small enough to be counted exactly: two packets of one source.
class SourceWindowsTest : public testing::Test {
 protected:
  void count(SourceWindows& windows) const { windows.count(views_, verdicts_); }

 private:
  test::Bytes frame_ = (Ethernet{} / Ipv4{.source = "198.51.100.7"} / Tcp{}).bytes();
  std::vector<PacketView> views_{2, parse(frame_)};
  std::vector<Verdict> verdicts_{2, Verdict{Action::kDrop, DropReason::kBlocklist, 0}};
};

TEST_F(SourceWindowsTest, AWindowEndsWhenTheNextBegins) {
  SourceWindows windows;
  count(windows);
  EXPECT_EQ(windows.finished(), nullptr) << "nobody asked";
  windows.ask();
  EXPECT_EQ(windows.finished(), nullptr) << "the worker has not been there yet";
  count(windows);
  ASSERT_NE(windows.finished(), nullptr);
  EXPECT_EQ(windows.finished()->total(), 2U);
  windows.ask();
  windows.begin_window_if_asked();
  ASSERT_NE(windows.finished(), nullptr);
  EXPECT_EQ(windows.finished()->total(), 2U) << "of the second batch";
  windows.ask();
  windows.begin_window_if_asked();
  EXPECT_EQ(windows.finished()->total(), 0U);
}

TEST_F(SourceWindowsTest, NoPacketIsLostOrCountedTwiceBetweenTwoThreads) {
  SourceWindows windows;
  std::atomic<bool> done{false};
  std::uint64_t counted = 0;
  std::thread worker([&] {
    while (!done) {
      count(windows);
      counted += 2;
    }
  });
  std::uint64_t read = 0;
  const auto read_window = [&] {
    const SpaceSaving* sketch = windows.finished();
    if (sketch == nullptr) return false;
    read += sketch->total();
    std::uint64_t sum = 0;
    for (const auto& counter : sketch->counters()) sum += counter.packets;
    EXPECT_EQ(sum, sketch->total());
    return true;
  };
  for (int window = 0; window < 100; ++window) {
    windows.ask();
    while (!read_window()) std::this_thread::yield();
  }
  done = true;
  worker.join();
  windows.ask();
  windows.begin_window_if_asked();
  EXPECT_TRUE(read_window());
  EXPECT_EQ(read, counted);
  EXPECT_GT(read, 0U);
}

}  // namespace
}  // namespace afxfw
