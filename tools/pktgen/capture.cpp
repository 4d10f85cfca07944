#include "pktgen/capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "replay/capture_reader.h"
#include "util/error.h"
#include "util/printable.h"

namespace afxfw::pktgen {

namespace {

constexpr std::size_t kMacBytes = 6;
constexpr std::size_t kEthernetBytes = 14;

std::chrono::nanoseconds since(const CaptureTime& first, const CaptureTime& time) {
  return std::chrono::seconds(time.seconds - first.seconds) +
         std::chrono::nanoseconds(time.nanoseconds - first.nanoseconds);
}

[[noreturn]] void fail(const CaptureReader& reader, const std::string& what) {
  throw Error(fmt::format("--pcap: {}: {}", printable(reader.name()), what), ExitCode::kUsage);
}

/// The frame, or an error that says which packet cannot be sent as it was.
std::span<const std::byte> check(const CaptureReader& reader, const CapturedPacket& packet,
                                 std::size_t number) {
  if (packet.truncated()) {
    fail(reader, fmt::format("packet {} is cut off: {} of {} bytes; capture with a larger snap "
                             "length (tcpdump -s 0)",
                             number, packet.bytes.size(), packet.length_bytes));
  }
  if (packet.bytes.size() < kEthernetBytes) {
    fail(reader,
         fmt::format("packet {} is too short for Ethernet: {} bytes", number, packet.bytes.size()));
  }
  return packet.bytes;
}

}  // namespace

void Capture::add(std::span<const std::byte> frame, std::chrono::nanoseconds time) {
  Record record{bytes_.size(), static_cast<std::uint32_t>(frame.size()), time};
  if (!records_.empty()) record.time = std::max(time, records_.back().time);
  bytes_.insert(bytes_.end(), frame.begin(), frame.end());
  records_.push_back(record);
  largest_bytes_ = std::max(largest_bytes_, record.length);
}

std::span<const std::byte> Capture::frame(std::size_t number) const noexcept {
  const Record& record = records_[number];
  return {bytes_.data() + record.offset, record.length};
}

Capture read_capture(const CaptureOptions& options) {
  CaptureReader reader(options.path);
  if (reader.link_type() != LinkType::kEthernet) {
    fail(reader, fmt::format("its packets are no Ethernet frames but {}",
                             describe_link_type(reader.dlt())));
  }
  Capture capture;
  std::vector<std::byte> frame;
  std::optional<CaptureTime> first;
  while (const auto packet = reader.next()) {
    const auto bytes = check(reader, *packet, capture.size() + 1);
    frame.assign(bytes.begin(), bytes.end());
    if (options.destination_mac) {
      std::memcpy(frame.data(), options.destination_mac->data(), kMacBytes);
    }
    if (options.source_mac) {
      std::memcpy(frame.data() + kMacBytes, options.source_mac->data(), kMacBytes);
    }
    if (!first) first = packet->time;
    capture.add(frame, since(*first, packet->time));
  }
  if (!reader.damage().empty()) fail(reader, reader.damage());
  if (capture.size() == 0) fail(reader, "there are no packets in it");
  return capture;
}

CaptureSchedule::CaptureSchedule(Clock::time_point start, const Capture& capture, double speed)
    : start_(start) {
  times_.reserve(capture.size());
  for (std::size_t number = 0; number < capture.size(); ++number) {
    const auto nanoseconds = static_cast<double>(capture.time(number).count());
    times_.emplace_back(std::llround(nanoseconds / speed));
  }
  const auto length = std::max(times_.back(), std::chrono::nanoseconds(0));
  const auto gaps = static_cast<std::int64_t>(std::max<std::size_t>(times_.size() - 1, 1));
  period_ = std::max(length + length / gaps, std::chrono::nanoseconds(1));
}

std::uint64_t CaptureSchedule::due(Clock::time_point now) const noexcept {
  if (now < start_) return 0;
  const std::chrono::nanoseconds elapsed = now - start_;
  const auto rounds = static_cast<std::uint64_t>(elapsed / period_);
  const auto within = std::upper_bound(times_.begin(), times_.end(), elapsed % period_);
  return rounds * times_.size() + static_cast<std::uint64_t>(within - times_.begin());
}

Clock::time_point CaptureSchedule::when(std::uint64_t frame) const noexcept {
  const auto rounds = static_cast<std::int64_t>(frame / times_.size());
  return start_ + rounds * period_ + times_[frame % times_.size()];
}

}  // namespace afxfw::pktgen
