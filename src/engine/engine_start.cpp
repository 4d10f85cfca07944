// How an Engine comes into being, and what is looked at or undone before.

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <map>
#include <sstream>
#include <utility>

#include "engine/engine.h"
#include "util/cpu.h"
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

bool bpffs_is_mounted() {
  struct statfs status {};
  return statfs("/sys/fs/bpf", &status) == 0 && status.f_type == BPF_FS_MAGIC;
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

/// This thread and those that it will start, workers apart, which choose for themselves:
/// whoever takes a worker's CPU for a time slice takes it for longer than a ring lasts at full
/// rate. If every CPU has a worker, the scheduler shares out.
void keep_off_workers(const std::vector<WorkerOptions>& workers) {
  std::vector<int> cpus = allowed_cpus();
  for (const WorkerOptions& worker : workers) std::erase(cpus, worker.cpu);
  if (!cpus.empty() && !keep_this_thread_on(cpus)) {
    log_debug("cannot leave the workers' CPUs to them");
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
  keep_off_workers(plan.workers);
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

void Engine::start_packet_logger() {
  std::vector<PacketRecordQueue*> queues;
  for (const WorkerThread& each : workers_) queues.push_back(&each.worker->log_queue());
  packet_logger_ =
      std::make_unique<PacketLogger>(std::move(queues), options_.log_rate, packet_log_);
}

}  // namespace afxfw
