#include "pktgen/receive/receive.h"

#include <linux/if_ether.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <limits>
#include <optional>
#include <thread>

#include "pktgen/clock.h"
#include "pktgen/receive/packet_tap.h"
#include "pktgen/receive/stamp_reader.h"
#include "util/cpu.h"
#include "util/error.h"

namespace afxfw::pktgen {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How often limits of time are looked at when nothing comes.
constexpr auto kTick = milliseconds(20);
// After the end, for what the kernel has not handed over yet: more than the tap's
// block timeout.
constexpr auto kLinger = milliseconds(50);

class Receiver {
 public:
  Receiver(const ReceiveOptions& options, const Link& link)
      : options_(options),
        ipv4_(link.name, link.ifindex, ETH_P_IP, kStampedHeadBytes),
        ipv6_(link.name, link.ifindex, ETH_P_IPV6, kStampedHeadBytes) {}

  void receive_until_end(int stop_fd, const std::function<void(std::uint64_t)>& on_progress) {
    const Clock::time_point start = Clock::now();
    Clock::time_point latest = start;
    while (true) {
      const bool stop = wait(stop_fd);
      const std::uint64_t before = result_.arrivals.received();
      drain();
      on_progress(result_.arrivals.received());
      const Clock::time_point now = Clock::now();
      if (result_.arrivals.received() != before) latest = now;
      if (const auto end = end_of(now - start, now - latest)) {
        result_.end = *end;
        break;
      }
      if (stop) {
        result_.end = ReceiveEnd::kSignal;
        break;
      }
    }
    std::this_thread::sleep_for(kLinger);
    drain();
    result_.receiver_dropped = ipv4_.take_dropped() + ipv6_.take_dropped();
  }

  [[nodiscard]] ReceiveResult take_result() { return std::move(result_); }

 private:
  /// For packets or a tick. Returns whether a stop was asked for.
  [[nodiscard]] bool wait(int stop_fd) const {
    std::array<pollfd, 3> events = {
        {{stop_fd, POLLIN, 0}, {ipv4_.fd(), POLLIN, 0}, {ipv6_.fd(), POLLIN, 0}}};
    if (poll(events.data(), events.size(), static_cast<int>(kTick.count())) < 0 && errno != EINTR) {
      throw errno_error("cannot wait for packets", errno);
    }
    return (events[0].revents & POLLIN) != 0;
  }

  void drain() {
    // Anew each time: the time of day may be set meanwhile.
    const std::int64_t to_monotonic = realtime_to_monotonic_ns();
    const auto visit = [&](const TappedFrame& frame) {
      const auto packet = read_stamp(frame.head);
      if (!packet) {
        ++result_.foreign;
        return;
      }
      result_.arrivals.add(*packet, frame.frame_bytes,
                           static_cast<std::uint64_t>(frame.arrival_ns + to_monotonic));
    };
    ipv4_.drain(visit);
    ipv6_.drain(visit);
  }

  [[nodiscard]] std::optional<ReceiveEnd> end_of(Clock::duration since_start,
                                                 Clock::duration since_latest) const {
    const Arrivals& arrivals = result_.arrivals;
    if (options_.count && arrivals.distinct() >= *options_.count) return ReceiveEnd::kCount;
    if (options_.duration && since_start >= *options_.duration) return ReceiveEnd::kDuration;
    if (options_.idle_timeout && since_latest >= *options_.idle_timeout) return ReceiveEnd::kIdle;
    return std::nullopt;
  }

  const ReceiveOptions& options_;
  PacketTap ipv4_;
  PacketTap ipv6_;
  ReceiveResult result_;
};

}  // namespace

ReceiveResult receive(const ReceiveOptions& options, const Link& link, int stop_fd,
                      const std::function<void()>& on_ready,
                      const std::function<void(std::uint64_t)>& on_progress) {
  if (options.cpu) pin_this_thread(*options.cpu);
  Receiver receiver(options, link);
  on_ready();
  receiver.receive_until_end(stop_fd, on_progress);
  return receiver.take_result();
}

}  // namespace afxfw::pktgen
