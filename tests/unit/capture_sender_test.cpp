#include "control/capture_sender.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "util/json.h"

namespace afxfw {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A worker that judges packets as fast as it can until it is stopped.
class FloodedWorker {
 public:
  FloodedWorker() = default;
  ~FloodedWorker() {
    stop();
    if (thread_.joinable()) thread_.join();
  }
  FloodedWorker(const FloodedWorker&) = delete;
  FloodedWorker& operator=(const FloodedWorker&) = delete;

  void start() {
    thread_ = std::thread([this] {
      const std::vector<std::byte> frame(1000);
      while (!stop_.load()) {
        if (CaptureTap* const tap = point_.acquire()) {
          const auto now = std::chrono::system_clock::now().time_since_epoch();
          const auto now_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
          std::uint32_t left = tap->begin(now_ns, {0, 0, 0, 16, 0});
          for (; left != 0; --left) tap->take(DropReason::kPolicy, 4, frame);
          tap->end();
        }
        std::this_thread::sleep_for(100us);
      }
      point_.let_go();
    });
  }
  void stop() { stop_.store(true); }
  PacketCapture::Source source() {
    return {.point = &point_, .queue_id = 1, .wake = [] {}};
  }
  CapturePoint& point() { return point_; }

 private:
  CapturePoint point_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class CaptureSenderTest : public testing::Test {
 protected:
  CaptureSenderTest() {
    std::array<int, 2> sockets{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()), 0);
    client_ = Fd(sockets[0]);
    server_ = Fd(sockets[1]);
    const timeval limit{10, 0};
    setsockopt(client_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    capture_ = std::make_shared<PacketCapture>(
        std::vector<PacketCapture::Source>{worker_.source()},
        PacketCapture::Options{.verdicts = kCaptureDropped, .snap_length = 100});
  }

  void start() {
    sender_ = std::make_unique<CaptureSender>(std::move(server_), capture_, "a test");
    worker_.start();
  }

  /// Reads until so many packets have come, or to the end. False: the end.
  bool read(std::size_t packets) {
    std::string buffer(65536, '\0');
    while (packets_ < packets) {
      const ssize_t count = recv(client_.get(), buffer.data(), buffer.size(), 0);
      EXPECT_GE(count, 0) << "no end in 10 s";
      if (count <= 0) return false;
      reader_.feed({buffer.data(), static_cast<std::size_t>(count)});
      while (const auto record = reader_.next()) {
        if (const auto* packet = std::get_if<protocol::CapturePacket>(&*record)) {
          ++packets_;
          EXPECT_EQ(packet->head.verdict, 2) << "policy, the third reason to drop";
          EXPECT_EQ(packet->head.queue, 1);
          EXPECT_EQ(packet->head.rule, 4U);
          EXPECT_EQ(packet->head.length_bytes, 1000U);
          EXPECT_EQ(packet->bytes.size(), 100U);
        } else {
          tallies_ = std::get<protocol::CaptureTallies>(*record);
        }
      }
      EXPECT_FALSE(reader_.failed());
    }
    return true;
  }

  [[nodiscard]] bool ends_in(std::chrono::milliseconds time) const {
    const auto end = Clock::now() + time;
    while (!sender_->ended() && Clock::now() < end) std::this_thread::sleep_for(1ms);
    return sender_->ended();
  }

  static constexpr std::size_t kToTheEnd = ~std::size_t{0};

  FloodedWorker worker_;
  Fd client_;
  Fd server_;
  std::shared_ptr<PacketCapture> capture_;
  std::unique_ptr<CaptureSender> sender_;
  protocol::CaptureRecordReader reader_;
  std::size_t packets_ = 0;
  std::optional<protocol::CaptureTallies> tallies_;
};

TEST_F(CaptureSenderTest, ItsAnswerNamesTheVerdicts) {
  EXPECT_EQ(capture_json(*capture_, "eth0"),
            parse_json(R"({"interface": "eth0", "queues": 1, "snaplen": 100,
              "rate": 100000, "verdicts": [{"verdict": "drop", "reason": "blocklist"},
              {"verdict": "drop", "reason": "rule"}, {"verdict": "drop", "reason": "policy"},
              {"verdict": "drop", "reason": "malformed"}]})"));
  worker_.point().let_go();
}

TEST_F(CaptureSenderTest, EndsWithTheSumsWhenTheClientHasEnough) {
  start();
  ASSERT_TRUE(read(500));
  shutdown(client_.get(), SHUT_WR);
  EXPECT_FALSE(read(kToTheEnd));
  ASSERT_TRUE(tallies_ && tallies_->final);
  const protocol::CaptureTally& tally = tallies_->by_verdict.at(2);
  EXPECT_EQ(tally.seen, packets_ + tally.over_rate + tally.no_room);
  EXPECT_TRUE(ends_in(1s));
  EXPECT_FALSE(worker_.point().attached());
}

TEST_F(CaptureSenderTest, EndsWhenTheClientGoes) {
  start();
  ASSERT_TRUE(read(1));
  client_.reset();
  EXPECT_TRUE(ends_in(5s));
  EXPECT_FALSE(worker_.point().attached());
}

TEST_F(CaptureSenderTest, EndsWithTheSumsWhenTheWorkersEnd) {
  start();
  ASSERT_TRUE(read(100));
  worker_.stop();
  EXPECT_FALSE(read(kToTheEnd));
  ASSERT_TRUE(tallies_ && tallies_->final);
  EXPECT_EQ(tallies_->by_verdict.at(2).seen,
            packets_ + tallies_->by_verdict.at(2).over_rate + tallies_->by_verdict.at(2).no_room);
}

TEST_F(CaptureSenderTest, AClientThatDoesNotReadLosesPacketsAndHoldsUpNobody) {
  start();
  while (capture_->counts().no_room[static_cast<std::size_t>(DropReason::kPolicy)] == 0) {
    std::this_thread::sleep_for(1ms);
  }
  // What it did read, at last, is right.
  shutdown(client_.get(), SHUT_WR);
  EXPECT_FALSE(read(kToTheEnd));
  EXPECT_GT(packets_, 0U);
  EXPECT_TRUE(ends_in(CaptureSender::kFinishTime + 2s));
}

TEST_F(CaptureSenderTest, IsEndedInBoundedTime) {
  start();
  ASSERT_TRUE(read(1));
  const auto begin = Clock::now();
  sender_.reset();
  EXPECT_LT(Clock::now() - begin, CaptureSender::kFinishTime + 2s);
}

TEST_F(CaptureSenderTest, WithoutAClientItEndsAtOnce) {
  server_.reset();
  start();
  EXPECT_TRUE(ends_in(5s));
}

}  // namespace
}  // namespace afxfw
