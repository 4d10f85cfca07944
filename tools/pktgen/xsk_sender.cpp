#include "pktgen/xsk_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "pktgen/bpf/live_state.h"
#include "pktgen/schedule.h"
#include "util/error.h"

namespace afxfw::pktgen {

namespace {

// Frames on their way at most: a few doorbells' worth, small enough for the cache.
constexpr std::uint32_t kFrames = 1024;

// A driver that completes nothing for this long is stuck: af_xdp.rst lets it
// complete late, but traffic that it holds for a second is lost to any test.
constexpr auto kStuck = std::chrono::seconds(1);
// How long to leave the core to the driver when nothing has been completed.
constexpr auto kCompletionPoll = std::chrono::microseconds(20);

constexpr std::uint32_t kSmallFrame = 2048;
constexpr std::uint32_t kLargeFrame = 4096;

std::uint32_t umem_frame_bytes(std::uint32_t largest_bytes) {
  if (largest_bytes > kLargeFrame) {
    throw Error(
        fmt::format("AF_XDP sends frames of up to {} bytes, not of {}", kLargeFrame, largest_bytes),
        ExitCode::kUsage);
  }
  return largest_bytes <= kSmallFrame ? kSmallFrame : kLargeFrame;
}

}  // namespace

XskSender::XskSender(const std::string& interface, std::unique_ptr<FrameSource> source,
                     const Share& share, std::uint32_t batch)
    : interface_(interface),
      source_(std::move(source)),
      next_index_(share.first),
      stride_(share.stride),
      batch_(batch),
      area_(kFrames, umem_frame_bytes(source_->largest_bytes())),
      in_flight_(kFrames) {
  SocketOptions options;
  options.interface = interface;
  options.queue_id = share.queue_id;
  options.rings = SocketRings::kTx;
  options.sizes.tx = kFrames;
  options.sizes.completion = kFrames;
  socket_ = XskSocket::open(area_, options);

  free_.reserve(kFrames);
  for (std::uint32_t frame = 0; frame < kFrames; ++frame) {
    const std::uint64_t address = std::uint64_t{frame} * area_.frame_size();
    std::memset(area_.at(address), 0, area_.frame_size());
    free_.push_back(address);
  }
}

SendResult XskSender::send(std::uint64_t frames) {
  SendResult result;
  auto last_progress = Clock::now();
  while (result.attempted < frames) {
    submit(frames - result.attempted - (submitted_ - completed_));
    const bool refused = ring_doorbell();
    const std::uint32_t completed = reap(result.bytes);
    result.attempted += completed;
    if (refused && completed > 0) {
      refused_.push_back(latest_completed_.packet_index);
      ++result.refused;
      result.bytes -= latest_completed_.length;
      result.error = 0;
    }
    if (completed > 0) {
      last_progress = Clock::now();
    } else if (Clock::now() - last_progress > kStuck) {
      throw Error(fmt::format("{}: the driver completed none of {} frames within 1 s", interface_,
                              submitted_ - completed_));
    } else {
      std::this_thread::sleep_for(kCompletionPoll);
    }
  }
  result.sent = result.attempted - result.refused;
  return result;
}

std::uint64_t XskSender::take_index() {
  std::uint64_t index = next_index_;
  if (refused_.empty()) {
    next_index_ += stride_;
  } else {
    index = refused_.front();
    refused_.pop_front();
  }
  return index;
}

std::uint32_t XskSender::submit(std::uint64_t frames) {
  std::array<xdp_desc, PKTGEN_MAX_BATCH> descriptors;
  const auto wanted = static_cast<std::uint32_t>(
      std::min({frames, std::uint64_t{batch_}, std::uint64_t{free_.size()}}));
  const std::uint32_t count = std::min(wanted, socket_->tx().free(wanted));
  std::array<FrameSlot, PKTGEN_MAX_BATCH> slots;
  for (std::uint32_t i = 0; i < count; ++i) {
    descriptors[i].addr = free_.back();
    free_.pop_back();
    slots[i] = {take_index(), area_.at(descriptors[i].addr), 0};
  }
  source_->write({slots.data(), count});
  for (std::uint32_t i = 0; i < count; ++i) {
    descriptors[i].len = slots[i].length;
    descriptors[i].options = 0;
    in_flight(descriptors[i].addr) = {slots[i].index, submitted_ + i, slots[i].length};
  }
  socket_->tx().push({descriptors.data(), count});
  submitted_ += count;
  return count;
}

bool XskSender::ring_doorbell() {
  if (submitted_ == completed_) return false;
  if (socket_->need_wakeup() && !socket_->tx().needs_wakeup()) return false;
  const int error = socket_->wake_tx();
  switch (error) {
    case 0:
    case EAGAIN:
    case ENOBUFS:
      return false;
    case EBUSY:
      return !socket_->zero_copy();
    default:
      throw errno_error(fmt::format("{}: cannot send through AF_XDP", interface_), error);
  }
}

std::uint32_t XskSender::reap(std::uint64_t& bytes) {
  std::array<std::uint64_t, PKTGEN_MAX_BATCH> addresses;
  std::uint32_t total = 0;
  while (const std::uint32_t count = socket_->completion().pop(addresses)) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t address = addresses[i];
      const InFlight& frame = in_flight(address);
      bytes += frame.length;
      if (frame.position >= latest_completed_.position) latest_completed_ = frame;
      free_.push_back(address);
    }
    total += count;
  }
  completed_ += total;
  return total;
}

}  // namespace afxfw::pktgen
