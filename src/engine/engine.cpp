#include "engine/engine.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <sstream>
#include <utility>

#include "engine/description.h"
#include "util/error.h"
#include "util/log.h"
#include "xsk/bpf_log.h"

namespace afxfw {

namespace {

/// Interrupts stay off for so many empty polls and so long while the
/// application polls: the values that the kernel documentation of NAPI
/// (napi.rst) and DPDK's af_xdp driver use.
constexpr NapiSettings kBusyPollSettings{.defer_hard_irqs = 2, .gro_flush_timeout_ns = 200'000};

/// How changes are noted in the lock file, for the run after a kill.
constexpr const char* kNoteNapi = "napi";

/// A link that goes up and down is told of so often a minute, at most.
constexpr std::uint32_t kLinkWarnings = 10;

/// Between two looks at how workers and queues do.
constexpr std::chrono::seconds kHealthInterval{1};

/// Between two looks at what ethtool may have changed, which not every driver
/// gives notice of.
constexpr std::chrono::seconds kSettingsInterval{5};

bool bpffs_is_mounted() {
  struct statfs status {};
  return statfs("/sys/fs/bpf", &status) == 0 && status.f_type == BPF_FS_MAGIC;
}

std::string describe_fallback(std::uint32_t fallback) {
  return fallback == AFXFW_FALLBACK_PASS ? "pass" : "drop";
}

/// Puts back what a killed afxfw had changed on the interface.
void undo_left_behind(const InstanceLock& lock, const std::string& interface) {
  for (const std::string& change : lock.left_behind()) {
    std::istringstream words(change);
    std::string kind;
    words >> kind;
    if (kind == kNoteOffload) {
      std::string offload;
      words >> offload;
      for (const Offload each : {Offload::kGro, Offload::kLro, Offload::kRxVlan}) {
        if (offload == ethtool_name(each)) set_offload(interface, each, true);
      }
    } else if (kind == kNoteNapi) {
      NapiSettings settings;
      words >> settings.defer_hard_irqs >> settings.gro_flush_timeout_ns;
      write_napi_settings(interface, settings);
    }
    log_info("{}: put back what an earlier afxfw had changed: {}", interface, change);
  }
}

void run_worker(Worker& worker, std::promise<void> opened) {
  try {
    worker.open();
  } catch (...) {
    opened.set_exception(std::current_exception());
    return;
  }
  opened.set_value();
  worker.run();
}

}  // namespace

Engine::Check Engine::check(const EngineOptions& options) {
  capture_bpf_library_output();
  Check result;
  result.plan = make_plan(options);
  const auto start = std::chrono::steady_clock::now();
  result.rules = load_rules_for(options.rule_files, options.interface);
  result.load_time = std::chrono::steady_clock::now() - start;
  XdpProgram::check(options.inline_policy,
                    {.flows = options.fast_path_flows, .pushed = options.push_down});
  return result;
}

std::string Engine::detach(const std::string& interface) {
  capture_bpf_library_output();
  const Link link = require_link(interface);
  const InstanceLock lock(link);
  undo_left_behind(lock, interface);
  const bool program = XdpProgram::detach_leftover(interface, link.ifindex);
  const bool pair = VethPair::remove_leftover(link.ifindex);
  if (!program && !pair) return fmt::format("{}: nothing of afxfw's was left there", interface);
  return fmt::format("{}: removed {}{}{}", interface, program ? "the XDP program" : "",
                     program && pair ? " and " : "", pair ? "the reinjection pair" : "");
}

std::unique_ptr<Engine> Engine::start(EngineOptions options, PacketLogger::Output packet_log) {
  capture_bpf_library_output();
  Plan plan = make_plan(options);
  auto rules = load_rules_for(options.rule_files, options.interface);
  for (const std::string& warning : plan.warnings) log_warn("{}", warning);

  std::unique_ptr<Engine> engine(
      new Engine(std::move(options), std::move(plan), std::move(rules), std::move(packet_log)));
  EngineOptions& chosen = engine->options_;
  const Link& link = engine->plan_.link;

  undo_left_behind(engine->lock_, link.name);
  if (chosen.reinject.kind == ReinjectOption::Kind::kStack) {
    const auto queues = static_cast<std::uint32_t>(engine->plan_.workers.size());
    engine->veth_pair_ = std::make_unique<VethPair>(link, queues);
    for (WorkerOptions& worker : engine->plan_.workers) {
      worker.reinject_interface = engine->veth_pair_->transmit_end();
    }
  } else {
    VethPair::remove_leftover(link.ifindex);
  }
  if (!bpffs_is_mounted()) {
    log_info(
        "no BPF file system at /sys/fs/bpf: other XDP programs cannot share {}; to let them, "
        "run: mount -t bpf bpf /sys/fs/bpf",
        link.name);
  }
  engine->program_ =
      XdpProgram::attach(link.name, link.ifindex, chosen.mode, chosen.inline_policy,
                         {.flows = chosen.fast_path_flows, .pushed = chosen.push_down});
  engine->require_no_more_queues();
  if (chosen.fast_path_flows != 0) {
    for (WorkerOptions& worker : engine->plan_.workers) {
      worker.flow_table = engine->program_->flows();
      worker.flow_table_size = chosen.fast_path_flows;
    }
  }
  if (chosen.push_down != 0) engine->start_push_down();
  engine->offloads_ =
      std::make_unique<ConflictingOffloads>(link.name, engine->program_->mode(), engine->lock_);
  if (chosen.busy_poll) engine->adjust_napi();
  engine->prepare_device();
  engine->start_workers();
  if (chosen.log_packets != PacketLogMode::kNone) engine->start_packet_logger();
  engine->follow_rules();
  for (const WorkerThread& each : engine->workers_) {
    engine->program_->add_socket(each.worker->options().queue_id, each.worker->socket_fd());
  }
  engine->started_ = std::chrono::steady_clock::now();
  engine->report_setup();
  return engine;
}

Engine::Engine(EngineOptions options, Plan plan, std::unique_ptr<const RuleSet> rules,
               PacketLogger::Output packet_log)
    : options_(std::move(options)),
      plan_(std::move(plan)),
      lock_(plan_.link),
      monitor_(plan_.link),
      rules_({.files = options_.rule_files,
              .interface = options_.interface,
              .readers = plan_.workers.size(),
              .state_file = options_.state_file,
              .on_event = [this](const Event& event) { report(event); },
              .on_published =
                  [this] {
                    if (program_ != nullptr) follow_rules();
                  }},
             std::move(rules)),
      packet_log_(std::move(packet_log)),
      health_(plan_.workers.size()),
      stall_watch_(plan_.workers.size()),
      link_warnings_(kLinkWarnings, std::chrono::minutes(1)) {}

Engine::~Engine() { stop(); }

// virtio_net receives, too, on queues that it turns on for XDP to send.
void Engine::require_no_more_queues() const {
  const Link link = require_link(plan_.link.name);
  if (link.rx_queues <= plan_.link.rx_queues || options_.allow_unfiltered_queues) return;
  throw Error(fmt::format("{}: with an XDP program, the driver {} receives on {} queues instead of "
                          "{}, and packets of the new ones would not be filtered; let it use all "
                          "queues that the device has: run ethtool -L {} combined with the maximum "
                          "that ethtool -l {} shows, or use --allow-unfiltered-queues",
                          link.name, link.driver, link.rx_queues, plan_.link.rx_queues, link.name,
                          link.name),
              ExitCode::kUnsupported);
}

void Engine::adjust_napi() {
  const std::string& interface = plan_.link.name;
  const NapiSettings current = read_napi_settings(interface);
  lock_.note(
      fmt::format("{} {} {}", kNoteNapi, current.defer_hard_irqs, current.gro_flush_timeout_ns));
  napi_settings_ = std::make_unique<NapiSettingsGuard>(interface, kBusyPollSettings);
}

void Engine::prepare_device() {
  if (program_->mode() == XdpMode::kGeneric) return;
  if (!plan_.device || plan_.workers.front().reinject_zero_copy == ZeroCopy::kOff) return;
  pass_program_ = std::make_unique<PassProgram>(*plan_.device);
  if (pass_program_->refusal().empty()) return;
  log_info("{}: no native XDP there ({}), so what is sent to it is copied", plan_.device->name,
           pass_program_->refusal());
  for (WorkerOptions& worker : plan_.workers) worker.reinject_zero_copy = ZeroCopy::kOff;
}

void Engine::start_workers() {
  if (program_->mode() == XdpMode::kGeneric) {
    if (options_.zero_copy == ZeroCopy::kRequire) {
      throw Error(fmt::format("{} runs in generic mode, which always copies, but zero-copy is "
                              "required",
                              plan_.link.name),
                  ExitCode::kUnsupported);
    }
    for (WorkerOptions& worker : plan_.workers) worker.zero_copy = ZeroCopy::kOff;
  }
  std::vector<std::future<void>> opened;
  for (const WorkerOptions& worker : plan_.workers) {
    WorkerThread& each = workers_.emplace_back();
    each.worker = std::make_unique<Worker>(worker, rules_.publisher(), workers_.size() - 1);
    std::promise<void> promise;
    opened.push_back(promise.get_future());
    each.thread = std::thread(run_worker, std::ref(*each.worker), std::move(promise));
  }
  for (std::future<void>& each : opened) each.get();
  std::vector<SourceWindows*> sources;
  for (const WorkerThread& each : workers_) sources.push_back(&each.worker->sources());
  hot_sources_.emplace(sources, std::chrono::steady_clock::now());
}

void Engine::start_push_down() {
  push_down_.emplace(*program_, options_.push_down);
  rules_.publisher().count_elsewhere([this] {
    // Of the blocklist's rules, as if workers had dropped it.
    const InlineCounters counters = program_->counters();
    const auto of = [&](afxfw_outcome outcome) {
      return RuleCounter{counters[outcome].packets, counters[outcome].bytes};
    };
    return std::map<std::uint32_t, RuleCounter>{
        {RuleSet::kBlockedIpv4Handle, of(AFXFW_DROP_PUSHED_IPV4)},
        {RuleSet::kBlockedIpv6Handle, of(AFXFW_DROP_PUSHED_IPV6)}};
  });
}

void Engine::report_setup() const {
  const std::string& interface = plan_.link.name;
  if (!program_->native_refusal().empty()) {
    log_warn("{}: native XDP refused ({}); running in generic mode, which is slower", interface,
             program_->native_refusal());
  }
  const auto copying = std::count_if(workers_.begin(), workers_.end(), [](const auto& each) {
    return each.worker->setup().zero_copy_errno.has_value();
  });
  if (copying != 0) {
    const int error_number =
        *std::find_if(
             workers_.begin(), workers_.end(),
             [](const auto& each) { return each.worker->setup().zero_copy_errno.has_value(); })
             ->worker->setup()
             .zero_copy_errno;
    log_warn("{}: the driver {} has no zero-copy on {} of {} queues ({}); they copy each packet",
             interface, plan_.link.driver.empty() ? "of this interface" : plan_.link.driver,
             copying, workers_.size(), std::strerror(error_number));
  }
}

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
  static_cast<void>(capturing());
  if (now >= next_settings_check_) {
    next_settings_check_ = now + kSettingsInterval;
    check_settings();
  }
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

void Engine::start_packet_logger() {
  std::vector<PacketRecordQueue*> queues;
  for (const WorkerThread& each : workers_) queues.push_back(&each.worker->log_queue());
  packet_logger_ =
      std::make_unique<PacketLogger>(std::move(queues), options_.log_rate, packet_log_);
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

std::vector<HeavyHitter> Engine::hottest_blocked(std::size_t count) {
  std::vector<HeavyHitter> blocked = hottest_sources().sources;
  std::erase_if(blocked, [](const HeavyHitter& each) {
    return each.source.reason != DropReason::kBlocklist;
  });
  if (blocked.size() > count) blocked.resize(count);
  return blocked;
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
