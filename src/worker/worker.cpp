#include "worker/worker.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "net/checksum.h"
#include "pipeline/classifier.h"
#include "util/cpu.h"

namespace afxfw {

namespace {

/// Without a packet for so long, a worker sleeps in poll(): longer than the gaps of
/// a loaded queue and than a sleep and wake-up take. With a tenth of it, a worker
/// at full flood slept 30 to 360 times a second, and its ring overflowed meanwhile.
constexpr std::chrono::microseconds kIdleTime{400};

/// Rounds without a packet, some nanoseconds each, between two looks at the clock.
constexpr std::uint32_t kRoundsALook = 256;

/// A sleeping worker looks around at least this often, which bounds how long a
/// missed wake-up could last.
constexpr int kSleepMs = 100;

/// The same while frames are being sent: their completions wake nobody.
constexpr int kSleepWhileSendingMs = 1;

/// A queue that has this many packets waiting is under load: it is what NAPI, and
/// with it a copying kernel, hands over in one go.
constexpr std::uint32_t kLoadedQueue = 64;

/// For how long packets gather: some 200 at 8 million packets a second. Without a
/// look at the ring, whose index is a cache line of the other CPU's.
constexpr std::chrono::microseconds kGatherTime{25};

/// For what is still being sent at the end.
constexpr std::chrono::milliseconds kDrainLimit{1000};

/// Frames moved to the fill ring in one go.
constexpr std::size_t kRefillBatch = 256;

/// The rounds in which no packet has come.
class IdleSpell {
 public:
  explicit IdleSpell(std::uint32_t rounds_a_look) noexcept : rounds_a_look_(rounds_a_look) {}

  void end() noexcept {
    rounds_ = 0;
    over_limit_ = false;
  }

  /// Another round without a packet. Whether the spell has lasted for kIdleTime:
  /// from then on always, so that a sleep that ends without a packet is followed by
  /// the next one at once.
  bool goes_on() noexcept {
    if (!over_limit_ && rounds_++ % rounds_a_look_ == 0) {
      const auto now = std::chrono::steady_clock::now();
      if (rounds_ == 1) begin_ = now;
      over_limit_ = now - begin_ >= kIdleTime;
    }
    return over_limit_;
  }

 private:
  std::uint32_t rounds_a_look_;
  std::uint32_t rounds_ = 0;
  bool over_limit_ = false;
  std::chrono::steady_clock::time_point begin_;
};

std::uint64_t now_ns() noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

std::uint64_t unix_time_ns() noexcept {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

}  // namespace

void Worker::run() noexcept {
  const bool coalesces = options_.coalesce.count() != 0;
  IdleSpell idle(coalesces ? 1 : kRoundsALook);
  // Relaxed: the flag carries no data, and the eventfd ends a sleep.
  while (!stop_.load(std::memory_order_relaxed)) {
    const std::uint32_t received = run_once();
    if (received > 0) {
      idle.end();
    } else if (idle.goes_on()) {
      if (options_.busy_poll) {
        stats_.idle_spells.add(1);
        do_between_batches();
        idle.end();
      } else {
        sleep();
      }
      continue;
    }
    // What a full batch left in the ring does not wait.
    if (coalesces && received < options_.batch) std::this_thread::sleep_for(options_.coalesce);
  }
  drain();
}

std::uint32_t Worker::run_once() noexcept {
  if (reinjector_) reinjector_->reap();
  gather();
  const std::uint32_t received = socket_->rx().pop(descriptors_);
  if (received > 0) process(admit(received));
  if (reinjector_) reinjector_->flush();
  refill();
  if (flow_candidates_) remember_flows();
  if (received > 0) {
    publish_housekeeping();
  } else if (options_.busy_poll) {
    socket_->wake_rx();
    // The last completions; others publish them when they go to sleep.
    if (reinjector_ && reinjector_->reinjected() != stats_.reinjected.get()) {
      publish_housekeeping();
    }
  }
  return received;
}

std::uint64_t Worker::progress() const noexcept {
  return stats_.received.get() + stats_.bad_descriptors.get() + stats_.sleeps.get() +
         stats_.idle_spells.get();
}

void Worker::do_between_batches() noexcept {
  static_cast<void>(capture_point_.acquire());
  sources_.begin_window_if_asked();
}

void Worker::gather() const noexcept {
  const std::uint32_t waiting = socket_->rx().waiting();
  if (waiting < kLoadedQueue || waiting >= gather_to_) return;
  const auto end = std::chrono::steady_clock::now() + kGatherTime;
  while (std::chrono::steady_clock::now() < end) relax_cpu();
}

std::uint32_t Worker::admit(std::uint32_t received) noexcept {
  const std::span<xdp_desc> all(descriptors_.data(), received);
  const std::uint64_t offset_mask = options_.frame_size - 1;
  // Only addresses that are ours may be looked at, prefetched ones included.
  std::uint32_t count = 0;
  for (const xdp_desc& descriptor : all) {
    if (!pool_->received(descriptor.addr)) [[unlikely]] {
      ++bad_descriptors_;
      continue;
    }
    if ((descriptor.addr & offset_mask) + descriptor.len > options_.frame_size) [[unlikely]] {
      pool_->quarantine(descriptor.addr);
      ++bad_descriptors_;
      continue;
    }
    __builtin_prefetch(area_->at(descriptor.addr));
    descriptors_[count++] = descriptor;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    parse_to(views_[i], {area_->at(descriptors_[i].addr), descriptors_[i].len});
  }
  return count;
}

void Worker::process(std::uint32_t count) noexcept {
  const RuleSetPublisher::InForce in_force = publisher_.acquire(reader_);
  if (in_force.rules.needs_time()) in_force.evaluation.now_ns = now_ns();
  if (flow_candidates_) in_force.evaluation.clear_beyond_flow();
  classify(in_force.rules, {views_.data(), count}, {verdicts_.data(), count}, in_force.evaluation);
  sources_.count({views_.data(), count}, {verdicts_.data(), count});

  std::uint32_t accepted = 0;
  std::uint32_t outgoing = 0;
  std::uint32_t finished = 0;
  std::uint64_t bytes = 0;
  std::array<std::uint32_t, kDropReasonCount> reasons{};
  const Version::Write write(stats_.version);
  for (std::uint32_t i = 0; i < count; ++i) {
    const xdp_desc& frame = descriptors_[i];
    const Verdict verdict = verdicts_[i];
    bytes += frame.len;
    const bool accept = verdict.action == Action::kAccept;
    accepted += accept ? 1 : 0;
    reasons[static_cast<std::size_t>(verdict.reason)] += accept ? 0 : 1;
    if (accept && reinjector_) {
      if (options_.finish_checksums) {
        finished += finish_partial_checksum({area_->at(frame.addr), frame.len}, views_[i]) ? 1 : 0;
      }
      outgoing_[outgoing++] = frame;
    } else {
      pool_->release(frame.addr);
    }
  }
  if (options_.log_mode != PacketLogMode::kNone || in_force.evaluation.log_count != 0) {
    log(count, in_force);
  }
  if (CaptureTap* const tap = capture_point_.acquire()) [[unlikely]] {
    CaptureTap::BatchCounts packets = reasons;
    packets[static_cast<std::size_t>(DropReason::kNone)] = accepted;
    capture(*tap, packets, in_force.rules);
  }

  if (flow_candidates_) note_flows(count, in_force);
  if (reinjector_) reinjector_->send({outgoing_.data(), outgoing});

  stats_.received.add(count);
  stats_.bytes.add(bytes);
  stats_.accepted.add(accepted);
  stats_.dropped.add(count - accepted);
  for (std::size_t reason = 0; reason < reasons.size(); ++reason) {
    if (reasons[reason] != 0) stats_.drop_reasons[reason].add(reasons[reason]);
  }
  if (finished != 0) stats_.checksums_finished.add(finished);
}

void Worker::log(std::uint32_t count, const RuleSetPublisher::InForce& in_force) noexcept {
  std::uint64_t queued = 0;
  std::uint64_t suppressed = 0;
  const auto push = [&](std::size_t i, std::string_view prefix) {
    const bool pushed =
        log_queue_.push(make_record(views_[i], verdicts_[i], options_.queue_id, prefix));
    (pushed ? queued : suppressed) += 1;
  };
  // What rules log comes before what becomes of the packets.
  Evaluation& evaluation = in_force.evaluation;
  for (std::size_t i = 0; i < evaluation.log_count; ++i) {
    const LogRequest& request = evaluation.log_requests[i];
    push(request.packet, in_force.rules.rules()[request.rule].log_prefix);
  }
  suppressed += std::exchange(evaluation.log_lost, 0);
  evaluation.log_count = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (wants_log(options_.log_mode, verdicts_[i].action)) push(i, {});
  }
  stats_.log_queued.add(queued);
  stats_.log_suppressed.add(suppressed);
}

void Worker::capture(CaptureTap& tap, const CaptureTap::BatchCounts& packets,
                     const RuleSet& rules) noexcept {
  std::uint32_t left = tap.begin(unix_time_ns(), packets);
  for (std::size_t i = 0; left != 0; ++i) {
    const Verdict verdict = verdicts_[i];
    if (!tap.wants(verdict.reason)) continue;
    // Released frames, too, are as they were: the kernel gets them back with refill().
    tap.take(verdict.reason,
             verdict.rule == Verdict::kNoRule ? 0 : rules.rules()[verdict.rule].handle,
             {area_->at(descriptors_[i].addr), descriptors_[i].len});
    --left;
  }
  tap.end();
}

void Worker::note_flows(std::uint32_t count, const RuleSetPublisher::InForce& in_force) noexcept {
  const std::uint64_t generation = in_force.rules.generation();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (verdicts_[i].action == Action::kAccept &&
        is_about_flow(in_force.rules, i, verdicts_[i], in_force.evaluation)) {
      flow_candidates_->note(views_[i], generation);
    }
  }
}

void Worker::remember_flows() noexcept {
  std::uint64_t added = 0;
  std::uint64_t failed = 0;
  const auto add = [&](const auto& flows) {
    for (const auto& flow : flows) {
      (options_.flow_table->add(flow.key, flow.value) == 0 ? added : failed) += 1;
    }
  };
  // By rules that may not be in force any more: then no packet will meet them.
  add(flow_candidates_->ipv4());
  add(flow_candidates_->ipv6());
  if (added + failed == 0) return;
  flow_candidates_->clear();
  const Version::Write write(stats_.version);
  stats_.flows_added.add(added);
  stats_.flows_failed.add(failed);
}

void Worker::refill() noexcept {
  std::array<std::uint64_t, kRefillBatch> addresses;
  // What is out for receiving never exceeds the fill ring, so that there is
  // room without a look at the kernel's index, which is another core's line.
  const std::uint32_t room = fill_level_ - pool_->receiving();
  std::uint32_t wanted = std::min(room, pool_->available());
  while (wanted > 0) {
    const auto some = std::min<std::uint32_t>(wanted, kRefillBatch);
    if (socket_->fill().free(some) < some) break;
    const std::span batch(addresses.data(), some);
    pool_->take_for_fill(batch);
    socket_->fill().push(batch);
    wanted -= some;
  }
  // Only a driver that fills its own ring from ours sleeps on it. The flag shares
  // a cache line with an index that the kernel writes: not read without need.
  if (setup_.zero_copy && setup_.need_wakeup && socket_->fill().needs_wakeup()) socket_->wake_rx();
}

void Worker::publish_housekeeping() noexcept {
  const Version::Write write(stats_.version);
  std::uint64_t bad = bad_descriptors_;
  if (reinjector_) {
    stats_.reinjected.set(reinjector_->reinjected());
    stats_.tx_full.set(reinjector_->tx_full());
    bad += reinjector_->bad_descriptors();
  }
  stats_.bad_descriptors.set(bad);
  stats_.frames_unaccounted.set(pool_->in_batch());
}

void Worker::sleep() noexcept {
  publish_housekeeping();
  publisher_.go_offline(reader_);
  do_between_batches();
  std::array<pollfd, 2> events{{{wake_up_.get(), POLLIN, 0}, {socket_->fd(), POLLIN, 0}}};
  const bool sending = reinjector_ && reinjector_->busy();
  const int timeout_ms = sending ? kSleepWhileSendingMs : kSleepMs;
  if (poll(events.data(), events.size(), timeout_ms) > 0 &&
      (events[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
    // The interface has gone: the socket would end every poll() at once.
    poll(events.data(), 1, kSleepMs);
  }
  if ((events[0].revents & POLLIN) != 0) {
    // Read off, or else it would end every poll() from now on.
    std::uint64_t wake_ups = 0;
    [[maybe_unused]] const ssize_t read = ::read(wake_up_.get(), &wake_ups, sizeof(wake_ups));
  }
  const Version::Write write(stats_.version);
  stats_.sleeps.add(1);
}

void Worker::drain() noexcept {
  // Nothing is added any more, so that an empty ring is the end however long it
  // took to get here; what a full ring holds is the bound if something is.
  for (std::uint32_t left = options_.ring_sizes.rx; left > 0;) {
    const std::uint32_t received = run_once();
    if (received == 0) break;
    left -= std::min(left, received);
  }
  if (reinjector_) reinjector_->drain(kDrainLimit);
  publish_housekeeping();
  publisher_.go_offline(reader_);
  capture_point_.let_go();
}

void Worker::request_stop() noexcept {
  stop_.store(true, std::memory_order_relaxed);
  wake();
}

void Worker::wake() noexcept {
  const std::uint64_t one = 1;
  // An eventfd write of 1 cannot fail but for a counter near 2^64.
  [[maybe_unused]] const ssize_t written = ::write(wake_up_.get(), &one, sizeof(one));
}

}  // namespace afxfw
