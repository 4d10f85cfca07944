#include "pktgen/run.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <exception>
#include <limits>
#include <thread>
#include <utility>

#include "pktgen/pacer.h"
#include "util/cpu.h"
#include "util/fd.h"

namespace afxfw::pktgen {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// How long a call of Sender::send is meant to last: a signal and the end of
// --duration take effect only between calls.
constexpr auto kCall = milliseconds(50);
// Of the first call: enough to measure by, short on the slowest interface.
constexpr std::uint64_t kFirstCallFrames = 1024;
// With --rate, frames of one call of a thread that is behind its schedule. Large
// calls are the efficient ones, so that a high rate can be reached at all.
constexpr std::uint64_t kCatchUpFrames = 4096;
// How long before its time to stop sleeping and spin: a sleep of Linux ends up to 50 us
// late (PR_SET_TIMERSLACK's default) and the wake-up takes as long again.
constexpr auto kWakeUp = std::chrono::microseconds(200);
// No frame accepted for this long ends the run.
constexpr auto kStall = std::chrono::seconds(1);
// How long to leave the core to the receiver after a call without a frame accepted.
constexpr auto kRefusedPause = milliseconds(1);

/// What part of `total` falls to lane `lane` of `lanes`.
std::uint64_t share(std::uint64_t total, std::size_t lane, std::size_t lanes) {
  return total / lanes + (lane < total % lanes ? 1 : 0);
}

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

struct LaneLimits {
  std::uint64_t count = kUnlimited;
  End end_of_count = End::kCount;  ///< kDuration if the count is what the duration has
  std::optional<Clock::time_point> deadline;
  std::unique_ptr<const Schedule> schedule;
  bool spin = false;  ///< keep the schedule to the microsecond
};

/// One thread's loop over its sender.
class LaneRun {
 public:
  LaneRun(Lane& lane, LaneLimits limits, const std::atomic<bool>& stop)
      : lane_(lane), limits_(std::move(limits)), stop_(stop) {}

  void run() noexcept {
    try {
      pin_this_thread(lane_.cpu);
      name_this_thread(fmt::format("pktgen/{}", lane_.cpu));
      total_ = lane_.already;
      finished_ = Clock::now();
      end_ = send_all();
    } catch (const Error& error) {
      error_ = error;
      end_ = End::kError;
    } catch (const std::exception& error) {
      error_ = Error(error.what());
      end_ = End::kError;
    }
  }

  [[nodiscard]] End end() const noexcept { return end_; }
  [[nodiscard]] const SendResult& total() const noexcept { return total_; }
  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
  [[nodiscard]] const Lateness& late() const noexcept { return late_; }
  /// Frames sent so far; for any thread.
  [[nodiscard]] std::uint64_t shown() const noexcept {
    return shown_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] Clock::time_point finished() const noexcept { return finished_; }

 private:
  End send_all() {
    Clock::time_point last_progress = Clock::now();
    while (true) {
      const Clock::time_point now = Clock::now();
      if (total_.sent >= limits_.count) return limits_.end_of_count;
      if (limits_.deadline && now >= *limits_.deadline) return End::kDuration;
      if (stop_.load(std::memory_order_relaxed)) return End::kSignal;

      const std::uint64_t frames = frames_to_send(now);
      if (frames == 0) {
        wait_until(next_burst());
        last_progress = Clock::now();
        continue;
      }
      const SendResult result = lane_.sender->send(frames);
      const Clock::time_point after = Clock::now();
      note_lateness(result.sent, after);
      total_ += result;
      // Relaxed: a figure to show, on its own.
      shown_.store(total_.sent, std::memory_order_relaxed);
      adapt(result.attempted, after - now);
      if (result.sent > 0) {
        last_progress = finished_ = after;
      } else if (after - last_progress >= kStall) {
        return End::kStalled;
      } else {
        std::this_thread::sleep_for(kRefusedPause);
      }
    }
  }

  std::uint64_t frames_to_send(Clock::time_point now) const {
    std::uint64_t frames = std::min(limits_.count - total_.sent, call_frames_);
    if (limits_.schedule) {
      const std::uint64_t due = limits_.schedule->due(now);
      if (due <= total_.sent) return 0;
      frames = std::min({frames, due - total_.sent, kCatchUpFrames});
    }
    if (limits_.deadline) {
      const auto left = std::chrono::duration<double>(*limits_.deadline - now).count();
      const auto fit = static_cast<std::uint64_t>(frames_per_second_ * left);
      frames = std::clamp<std::uint64_t>(fit, 1, frames);
    }
    return frames;
  }

  void adapt(std::uint64_t frames, Clock::duration took) {
    const double seconds = std::chrono::duration<double>(took).count();
    if (frames == 0 || seconds <= 0) return;
    frames_per_second_ = static_cast<double>(frames) / seconds;
    const double wanted = frames_per_second_ * std::chrono::duration<double>(kCall).count();
    // By steps, since the first calls, on cold caches, say little.
    constexpr std::uint64_t kStep = 8;
    call_frames_ = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1,
                                             kStep * std::max(call_frames_, frames));
  }

  /// The last burst may be a shorter one.
  [[nodiscard]] Clock::time_point next_burst() const {
    const Clock::time_point burst = limits_.schedule->next_burst(total_.sent);
    if (limits_.count == kUnlimited) return burst;
    return std::min(burst, limits_.schedule->when(limits_.count - 1));
  }

  void note_lateness(std::uint64_t sent, Clock::time_point after) {
    if (!limits_.schedule || sent == 0) return;
    const std::uint64_t before = total_.sent;
    const std::uint64_t overdue = limits_.schedule->due(after - Lateness::kLate);
    if (overdue > before) late_.frames += std::min(overdue - before, sent);
    late_.most = std::max<nanoseconds>(late_.most, after - limits_.schedule->when(before));
  }

  void wait_until(Clock::time_point time) const {
    // In slices, so that a signal is noticed at one frame a second, too.
    time = std::min(time, Clock::now() + kCall);
    if (limits_.deadline) time = std::min(time, *limits_.deadline);
    std::this_thread::sleep_until(limits_.spin ? time - kWakeUp : time);
    while (limits_.spin && Clock::now() < time) relax_cpu();
  }

  Lane& lane_;
  LaneLimits limits_;
  const std::atomic<bool>& stop_;
  SendResult total_;
  Lateness late_;
  std::atomic<std::uint64_t> shown_{0};
  Clock::time_point finished_;
  End end_ = End::kError;
  std::optional<Error> error_;
  std::uint64_t call_frames_ = kFirstCallFrames;
  // Before the first measurement, as fast as any core: the deadline only caps.
  double frames_per_second_ = 1e9;
};

/// Waits until all of `running` is over or `stop_fd` asks for an end. Returns
/// whether it did.
bool wait_for_end(int done_fd, int stop_fd, const std::function<void()>& on_tick) {
  constexpr int kTickMs = 100;
  std::array<pollfd, 2> events = {{{done_fd, POLLIN, 0}, {stop_fd, POLLIN, 0}}};
  while (true) {
    const int ready = poll(events.data(), events.size(), kTickMs);
    if (ready < 0 && errno != EINTR) {
      throw errno_error("cannot wait for the sending threads", errno);
    }
    if (ready > 0) return (events[1].revents & POLLIN) != 0;
    on_tick();
  }
}

/// Frames that the limits come to, if they do.
std::optional<std::uint64_t> planned_frames(const RunLimits& limits) {
  if (!limits.rate || !limits.duration) return limits.count;
  const std::uint64_t within = frames_within(*limits.duration, *limits.rate);
  return limits.count ? std::min(within, *limits.count) : within;
}

LaneLimits lane_limits(const RunLimits& limits, Clock::time_point start, std::size_t lane,
                       std::size_t lanes) {
  LaneLimits result;
  const auto planned = planned_frames(limits);
  if (planned) result.count = share(*planned, lane, lanes);
  if (planned != limits.count) result.end_of_count = End::kDuration;
  if (limits.duration) {
    result.deadline = start + *limits.duration;
    // What is due by then is sent all the same, if late.
    constexpr nanoseconds kLeastGrace = milliseconds(100);
    if (limits.rate) *result.deadline += std::max(*limits.duration / 10, kLeastGrace);
  }
  if (limits.rate) {
    result.schedule = std::make_unique<Pacer>(start, Pace{*limits.rate, lane, lanes, limits.burst});
    result.spin = limits.burst != 0;
  } else if (limits.capture != nullptr) {
    result.schedule = std::make_unique<CaptureSchedule>(start, *limits.capture, limits.speed);
  }
  return result;
}

/// The most serious of the lanes' ends; a stop asked for outranks only success.
void add_lane(RunResult& result, const LaneRun& lane, int cpu) {
  result.lanes.push_back({cpu, lane.total()});
  result.total += lane.total();
  result.late.frames += lane.late().frames;
  result.late.most = std::max(result.late.most, lane.late().most);
  result.end = std::max(result.end, lane.end());
  if (lane.error() && !result.error) result.error = lane.error();
}

}  // namespace

RunResult run(Transmission& transmission, const RunLimits& limits, int stop_fd,
              const std::function<void(const Progress&)>& on_progress) {
  const Fd done(eventfd(0, EFD_CLOEXEC));
  if (!done) throw errno_error("cannot make an eventfd", errno);
  const std::size_t lanes = transmission.lanes.size();
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> running{lanes};

  std::vector<std::unique_ptr<LaneRun>> runs;
  runs.reserve(lanes);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    runs.push_back(std::make_unique<LaneRun>(
        transmission.lanes[lane], lane_limits(limits, transmission.start, lane, lanes), stop));
  }
  {
    std::vector<std::jthread> threads;
    threads.reserve(lanes);
    for (const auto& lane : runs) {
      threads.emplace_back([&, lane = lane.get()] {
        lane->run();
        // A lane that failed ends the others, too: their part alone is no result.
        if (lane->end() >= End::kStalled) stop.store(true, std::memory_order_relaxed);
        if (running.fetch_sub(1) == 1) eventfd_write(done.get(), 1);
      });
    }
    const auto on_tick = [&] {
      Progress progress{0, planned_frames(limits)};
      for (const auto& lane : runs) progress.packets += lane->shown();
      on_progress(progress);
    };
    if (wait_for_end(done.get(), stop_fd, on_tick)) stop.store(true, std::memory_order_relaxed);
  }

  RunResult result;
  result.planned = planned_frames(limits);
  Clock::time_point finished = transmission.start;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    add_lane(result, *runs[lane], transmission.lanes[lane].cpu);
    finished = std::max(finished, runs[lane]->finished());
  }
  result.elapsed = finished - transmission.start;
  return result;
}

}  // namespace afxfw::pktgen
