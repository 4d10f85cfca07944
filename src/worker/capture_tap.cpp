#include "worker/capture_tap.h"

#include <algorithm>
#include <cstring>

namespace afxfw {

namespace {

constexpr std::uint64_t kNanosecondsPerFrame = 1'000'000'000 / kCaptureRate;
constexpr std::uint64_t kMostSavedNs = kCaptureBurst * kNanosecondsPerFrame;

void add(CaptureCounts::ByReason& sums, const CaptureCounts::ByReason& counts) noexcept {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += counts[i];
}

template <typename Counters>
CaptureCounts::ByReason values(const Counters& counters) noexcept {
  CaptureCounts::ByReason values;
  std::transform(counters.begin(), counters.end(), values.begin(),
                 [](const Counter& each) { return each.get(); });
  return values;
}

}  // namespace

CaptureCounts& CaptureCounts::operator+=(const CaptureCounts& other) noexcept {
  add(seen, other.seen);
  add(over_rate, other.over_rate);
  add(no_room, other.no_room);
  return *this;
}

CaptureTap::CaptureTap(const Options& options)
    : options_(options), allowance_ns_(kMostSavedNs), queue_(kQueueBytes) {
  // Touches every page, so that the worker does not wait for the kernel to find one.
  const std::string zeros(std::size_t{64} << 10U, '\0');
  while (queue_.push(zeros.data(), zeros.size()) != 0) {
  }
  queue_.reset();
}

std::uint32_t CaptureTap::begin(std::uint64_t now_ns, const BatchCounts& packets) noexcept {
  // A clock that was set back gives nothing, and one that was set on a burst.
  const std::uint64_t passed_ns = now_ns > now_ns_ ? now_ns - now_ns_ : 0;
  allowance_ns_ = std::min(kMostSavedNs, allowance_ns_ + std::min(passed_ns, kMostSavedNs));
  now_ns_ = now_ns;
  std::uint32_t wanted = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    untaken_[i] = wants(static_cast<DropReason>(i)) ? packets[i] : 0;
    seen_[i].add(untaken_[i]);
    wanted += untaken_[i];
  }
  return std::min(wanted, static_cast<std::uint32_t>(allowance_ns_ / kNanosecondsPerFrame));
}

void CaptureTap::end() noexcept {
  for (std::size_t i = 0; i < untaken_.size(); ++i) over_rate_[i].add(untaken_[i]);
}

void CaptureTap::take(DropReason reason, std::uint32_t rule_handle,
                      std::span<const std::byte> frame) noexcept {
  const auto index = static_cast<std::size_t>(reason);
  --untaken_[index];
  const std::size_t captured = std::min<std::size_t>(frame.size(), options_.snap_length);
  if (queue_.write_available() < sizeof(CapturedFrame) + captured) {
    no_room_[index].add(1);
    return;
  }
  allowance_ns_ -= kNanosecondsPerFrame;
  CapturedFrame header;
  header.time_ns = now_ns_;
  header.length_bytes = static_cast<std::uint32_t>(frame.size());
  header.captured_bytes = static_cast<std::uint32_t>(captured);
  header.rule_handle = rule_handle;
  header.queue_id = options_.queue_id;
  header.reason = reason;
  queue_.push(reinterpret_cast<const char*>(&header), sizeof(header));
  queue_.push(reinterpret_cast<const char*>(frame.data()), captured);
}

void CaptureTap::read(const Sink& sink) {
  const std::size_t before = unread_.size();
  const std::size_t there = queue_.read_available();
  unread_.resize(before + there);
  unread_.resize(before + queue_.pop(unread_.data() + before, there));
  std::size_t done = 0;
  CapturedFrame header;
  while (unread_.size() - done >= sizeof(header)) {
    std::memcpy(&header, unread_.data() + done, sizeof(header));
    // The worker pushes a frame in two parts.
    if (unread_.size() - done - sizeof(header) < header.captured_bytes) break;
    done += sizeof(header);
    sink(header, {unread_.data() + done, header.captured_bytes});
    done += header.captured_bytes;
  }
  unread_.erase(0, done);
}

CaptureCounts CaptureTap::counts() const noexcept {
  return {values(seen_), values(over_rate_), values(no_room_)};
}

}  // namespace afxfw
