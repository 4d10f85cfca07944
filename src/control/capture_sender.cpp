#include "control/capture_sender.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <numeric>
#include <utility>

#include "util/cpu.h"
#include "util/error.h"
#include "util/log.h"

namespace afxfw {

namespace {

/// Between two visits to the workers' queues, whose size is chosen for it.
constexpr std::chrono::milliseconds kVisitInterval{10};

/// Between two tallies.
constexpr std::chrono::seconds kTallyInterval{1};

/// Bytes to send, beyond which packets stay in the workers' queues.
constexpr std::size_t kMaxPending = std::size_t{1} << 20U;

/// Sent, and to be removed from what is pending, at most.
constexpr std::size_t kMaxSent = std::size_t{256} << 10U;

/// Workers come first where CPUs are few.
constexpr int kNiceness = 10;

/// The reasons that a capture takes, in the order of the answer's `verdicts`.
std::vector<DropReason> reasons_of(const PacketCapture& capture) {
  std::vector<DropReason> reasons;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    if ((capture.options().verdicts >> i & 1U) != 0) reasons.push_back(static_cast<DropReason>(i));
  }
  return reasons;
}

std::uint64_t sum(const CaptureCounts::ByReason& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

Json capture_json(const PacketCapture& capture, const std::string& interface) {
  Json verdicts = Json::array();
  for (const DropReason reason : reasons_of(capture)) {
    if (reason == DropReason::kNone) {
      verdicts.push_back({{"verdict", "accept"}});
    } else {
      verdicts.push_back({{"verdict", "drop"}, {"reason", name(reason)}});
    }
  }
  return {{"interface", interface},
          {"queues", capture.taps()},
          {"snaplen", capture.options().snap_length},
          {"rate", kCaptureRate},
          {"verdicts", std::move(verdicts)}};
}

CaptureSender::CaptureSender(Fd connection, std::shared_ptr<PacketCapture> capture,
                             std::string client)
    : connection_(std::move(connection)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      capture_(std::move(capture)),
      client_(std::move(client)),
      place_of_(kDropReasonCount) {
  const std::vector<DropReason> reasons = reasons_of(*capture_);
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    place_of_[static_cast<std::size_t>(reasons[i])] = static_cast<std::uint8_t>(i);
  }
  thread_ = std::thread([this] { run(); });
}

CaptureSender::~CaptureSender() {
  const std::uint64_t one = 1;
  // An eventfd write of 1 cannot fail but for a counter near 2^64.
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof(one));
  thread_.join();
}

void CaptureSender::run() {
  name_this_thread("afxfw/capture");
  // Of this thread alone, on Linux; where it is refused, all is as before.
  setpriority(PRIO_PROCESS, 0, kNiceness);
  if (!connection_) close_capture();
  auto next_tally = Clock::now() + kTallyInterval;
  // A worker that hangs keeps its tap, and the engine the taps.
  while (!capture_->over() && (!stopping_ || Clock::now() < stop_deadline_)) {
    read_packets();
    if (Clock::now() >= next_tally) {
      if (output_.size() - sent_ < kMaxPending) append_tallies(false);
      next_tally += kTallyInterval;
    }
    send();
    wait();
  }
  finish();
  log_info("capture for {}: ends; {} of {} packets copied", client_, packets_,
           sum(capture_->counts().seen));
  capture_.reset();
  ended_.store(true, std::memory_order_release);
  // Last of all: a client that has seen the end may begin another one.
  connection_.reset();
}

void CaptureSender::finish() {
  const auto end = stopping_ ? stop_deadline_ : Clock::now() + kFinishTime;
  bool tallied = false;
  while (connection_ && Clock::now() < end) {
    if (read_packets() && !std::exchange(tallied, true)) append_tallies(true);
    send();
    if (tallied && output_.empty()) break;
    wait();
  }
}

void CaptureSender::close_capture() {
  if (!std::exchange(closing_, true)) capture_->close();
}

void CaptureSender::wait() {
  const int awaited = (closing_ ? 0 : POLLIN) | (output_.empty() ? 0 : POLLOUT);
  std::array<pollfd, 2> events{{{connection_.get(), static_cast<short>(awaited), 0},
                                {stopping_ ? -1 : stop_.get(), POLLIN, 0}}};
  if (poll(events.data(), events.size(), kVisitInterval.count()) <= 0) return;
  if (events[1].revents != 0) {
    stopping_ = true;
    stop_deadline_ = Clock::now() + kFinishTime;
    close_capture();
  }
  if ((events[0].revents & (POLLHUP | POLLERR)) != 0) connection_.reset();
  if (!connection_ || (events[0].revents & POLLIN) != 0) close_capture();
}

bool CaptureSender::read_packets() {
  const CaptureTap::Sink sink = [this](const CapturedFrame& frame, std::span<const char> bytes) {
    ++packets_;
    protocol::CapturePacketHead head;
    head.verdict = place_of_[static_cast<std::size_t>(frame.reason)];
    head.queue = frame.queue_id;
    head.rule = frame.rule_handle;
    head.length_bytes = frame.length_bytes;
    head.time_ns = frame.time_ns;
    protocol::append_record(output_, head, {bytes.data(), bytes.size()});
  };
  for (std::size_t visited = 0; visited < capture_->taps(); ++visited) {
    if (output_.size() - sent_ >= kMaxPending) return false;
    capture_->read(next_tap_, sink);
    next_tap_ = (next_tap_ + 1) % capture_->taps();
  }
  return true;
}

void CaptureSender::send() {
  while (connection_ && sent_ < output_.size()) {
    const ssize_t count = ::send(connection_.get(), output_.data() + sent_, output_.size() - sent_,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) {
      connection_.reset();
      close_capture();
      break;
    }
    sent_ += static_cast<std::size_t>(count);
  }
  if (!connection_ || sent_ == output_.size()) {
    output_.clear();
    sent_ = 0;
  } else if (sent_ >= kMaxSent) {
    output_.erase(0, sent_);
    sent_ = 0;
  }
}

void CaptureSender::append_tallies(bool final) {
  const CaptureCounts counts = capture_->counts();
  protocol::CaptureTallies tallies{.final = final};
  for (const DropReason reason : reasons_of(*capture_)) {
    const auto i = static_cast<std::size_t>(reason);
    tallies.by_verdict.push_back({counts.seen[i], counts.over_rate[i], counts.no_room[i]});
  }
  protocol::append_record(output_, tallies);
}

}  // namespace afxfw
