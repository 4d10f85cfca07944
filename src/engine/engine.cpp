#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/description.h"
#include "util/log.h"

namespace afxfw {

namespace {

/// Between two looks at how workers and queues do.
constexpr std::chrono::seconds kHealthInterval{1};

/// Between two looks at what ethtool may have changed, which not every driver
/// gives notice of.
constexpr std::chrono::seconds kSettingsInterval{5};

std::string describe_fallback(std::uint32_t fallback) {
  return fallback == AFXFW_FALLBACK_PASS ? "pass" : "drop";
}

}  // namespace

Engine::~Engine() { stop(); }

std::string Engine::description() const {
  const auto zero_copy = std::count_if(workers_.begin(), workers_.end(), [](const auto& each) {
    return each.worker->setup().zero_copy;
  });
  return fmt::format("{}\n  running  {} XDP{}, zero-copy on {} of {} queues, {}{}",
                     describe(plan_, options_, rules_.current()), name(program_->mode()),
                     program_->in_dispatcher() ? " in libxdp's dispatcher" : "", zero_copy,
                     workers_.size(), name(workers_.front().worker->setup().pages),
                     veth_pair_ == nullptr
                         ? ""
                         : fmt::format(", reinjecting through {} and {}",
                                       veth_pair_->transmit_end(), veth_pair_->receive_end()));
}

void Engine::report(const Event& event) const {
  if (event_sink_) event_sink_(event);
}

void Engine::stop() noexcept {
  if (std::exchange(stopped_, true)) return;
  stopped_uptime_s_ =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  // The kernel has stopped feeding the sockets when this returns, so what the
  // workers find in their rings after it is all there will be.
  if (program_ != nullptr) program_->detach();
  for (WorkerThread& each : workers_) each.worker->request_stop();
  for (WorkerThread& each : workers_) {
    if (each.thread.joinable()) each.thread.join();
  }
  if (packet_logger_ != nullptr) packet_logger_->stop();
}

bool Engine::follow_link() {
  const auto change = monitor_.changed();
  if (!change) return true;
  const Link& before = change->before;
  if (!change->after) {
    log_error("{} has gone from this network namespace; stopping", before.name);
    return false;
  }
  const Link& after = *change->after;
  if (after.name != before.name) {
    log_info("{} is now called {}", before.name, after.name);
    report({"link", fmt::format("{} is now called {}", before.name, after.name)});
  }
  if (after.up != before.up || after.carrier != before.carrier) {
    warn_of_link_state(after);
  }
  if (after.mac != before.mac && veth_pair_ != nullptr) {
    veth_pair_->set_mac(after.mac);
    log_info("{}: the MAC address changed; the reinjection pair follows", after.name);
  }
  if (after.mtu > before.mtu) {
    log_warn(
        "{}: the MTU rose to {}; packets that do not fit a frame of {} bytes will be lost "
        "until afxfw is restarted",
        after.name, after.mtu, plan_.workers.front().frame_size);
  }
  if (after.rx_queues != before.rx_queues && after.rx_queues > workers_.size()) {
    log_warn(
        "{}: {} receive queues, but {} are filtered; the packets of the others follow "
        "--on-failure ({}); restart afxfw to filter them",
        after.name, after.rx_queues, workers_.size(),
        describe_fallback(options_.inline_policy.fallback));
  }
  return true;
}

void Engine::warn_of_link_state(const Link& link) {
  if (!link_warnings_.allow(std::chrono::steady_clock::now())) return;
  const std::uint64_t left_out = link_warnings_.take_suppressed();
  log_warn("{}: the link is {}{}", link.name,
           !link.up ? fmt::format("down (administratively); run: ip link set {} up", link.name)
           : link.carrier ? "up"
                          : "down (no carrier): look at the cable and the other end",
           left_out == 0 ? "" : fmt::format("; it went up or down {} more times before", left_out));
}

void Engine::housekeep() {
  rules_.housekeep();
  const auto now = std::chrono::steady_clock::now();
  // It may be called for a deadline: what follows is about whole seconds.
  if (now < next_health_check_) return;
  next_health_check_ = now + kHealthInterval;
  std::vector<WorkerCounters> counters;
  for (const WorkerThread& each : workers_) counters.push_back(each.worker->counters());
  rates_.update(now, counters);
  hot_sources_->update(now);
  if (push_down_) push_down_->update(now, hot_sources_->rank(now).sources, rules_.current());
  for (const std::string& warning : health_.check(monitor_.link().name, queue_snapshots(), now)) {
    log_warn("{}", warning);
  }
  check_progress(now);
  if (napi_settings_) check_busy_polling();
  static_cast<void>(capturing());
  if (now >= next_settings_check_) {
    next_settings_check_ = now + kSettingsInterval;
    check_settings();
  }
}

void Engine::check_busy_polling() {
  const bool nothing_to_poll = std::any_of(workers_.begin(), workers_.end(), [](const auto& each) {
    return each.worker->counters().received != 0 && !each.worker->has_napi();
  });
  if (!nothing_to_poll) return;
  napi_settings_.reset();
  log_warn(
      "{}: the driver {} does not tell sockets whom to poll, so --busy-poll only keeps workers "
      "awake; interrupts come as they did before (napi_defer_hard_irqs, gro_flush_timeout)",
      monitor_.link().name, plan_.link.driver);
}

void Engine::check_settings() {
  const Link& link = monitor_.link();
  offloads_->check(link.name);
  // 0 queues: the driver does not say, or the interface has gone, which comes by notice.
  const Channels channels = query_channels(link.name);
  if (channels.rx != 0 && channels.rx != link.rx_queues) (void)follow_link();
}

void Engine::check_progress(std::chrono::steady_clock::time_point now) {
  std::vector<std::uint64_t> progress;
  for (const WorkerThread& each : workers_) progress.push_back(each.worker->progress());
  for (const std::uint32_t worker : stall_watch_.update(progress, now)) {
    const WorkerOptions& options = workers_[worker].worker->options();
    log_error(
        "{} queue {}: its worker has not run for {} s, so that nothing of the queue is filtered or "
        "passed on; see what else runs on CPU {}, or restart afxfw",
        monitor_.link().name, options.queue_id, StallWatch::kLimit.count(), options.cpu);
  }
}

bool Engine::capturing() {
  if (capture_ != nullptr && capture_->over()) capture_.reset();
  return capture_ != nullptr;
}

std::shared_ptr<PacketCapture> Engine::start_capture(const PacketCapture::Options& options) {
  if (capturing()) return nullptr;
  std::vector<PacketCapture::Source> sources;
  for (const WorkerThread& each : workers_) {
    Worker* const worker = each.worker.get();
    sources.push_back({.point = &worker->capture_point(),
                       .queue_id = static_cast<std::uint16_t>(worker->options().queue_id),
                       .wake = [worker] { worker->wake(); }});
  }
  capture_ = std::make_shared<PacketCapture>(std::move(sources), options);
  return capture_;
}

void Engine::follow_rules() {
  const RuleSet& rules = rules_.current();
  // Before anybody is told that they are in force.
  program_->set_generation(rules.generation());
  if (push_down_) push_down_->follow(rules);
  // In any order with the publishing: a worker accepts what no rule names.
  program_->set_link_traffic(rules.link_traffic());
  if (rules.logs() && packet_logger_ == nullptr) start_packet_logger();
}

std::vector<QueueSnapshot> Engine::queue_snapshots() const {
  std::vector<QueueSnapshot> queues;
  for (const WorkerThread& each : workers_) {
    const Worker& worker = *each.worker;
    queues.push_back({.queue_id = worker.options().queue_id,
                      .cpu = worker.options().cpu,
                      .setup = worker.setup(),
                      .counters = worker.counters(),
                      .kernel = worker.kernel_statistics(),
                      .rates = rates_.of(queues.size())});
  }
  return queues;
}

HotSources::Ranking Engine::hottest_sources() {
  const auto now = std::chrono::steady_clock::now();
  hot_sources_->update(now);
  return hot_sources_->rank(now);
}

Snapshot Engine::snapshot() const {
  Snapshot snapshot;
  snapshot.interface = monitor_.link().name;
  snapshot.xdp_mode = program_->mode();
  snapshot.in_dispatcher = program_->in_dispatcher();
  snapshot.uptime_s =
      stopped_ ? stopped_uptime_s_
               : std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  const RuleSet& rules = rules_.current();
  snapshot.ruleset_generation = rules.generation();
  snapshot.fallback = options_.inline_policy.fallback;
  snapshot.fast_path_flows = options_.fast_path_flows;
  snapshot.push_down_most = options_.push_down;
  if (push_down_) snapshot.push_down_sources = push_down_->sources();
  snapshot.queues = queue_snapshots();
  for (const QueueSnapshot& queue : snapshot.queues) {
    snapshot.log_suppressed += queue.counters.log_suppressed;
  }
  // After the workers' counters, so that no rule's is behind them.
  const std::vector<RuleCounter> counts = rules_.publisher().counts();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    snapshot.rules.push_back({rules.rules()[i], counts[i]});
  }
  snapshot.sets = rules_.sets();
  snapshot.load = rules_.load_record();
  // What they received has been counted here too.
  snapshot.inline_counters = program_->counters();
  if (packet_logger_ != nullptr) {
    snapshot.log_lines = packet_logger_->lines();
    snapshot.log_suppressed += packet_logger_->suppressed();
  }
  return snapshot;
}

}  // namespace afxfw
