#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/conflicting_offloads.h"
#include "engine/event.h"
#include "engine/health_watch.h"
#include "engine/hot_sources.h"
#include "engine/instance_lock.h"
#include "engine/live_rules.h"
#include "engine/options.h"
#include "engine/packet_capture.h"
#include "engine/packet_logger.h"
#include "engine/plan.h"
#include "engine/push_down.h"
#include "engine/rate_meter.h"
#include "engine/snapshot.h"
#include "engine/stall_watch.h"
#include "util/rate_limit.h"
#include "worker/worker.h"
#include "xsk/link_monitor.h"
#include "xsk/napi_settings.h"
#include "xsk/pass_program.h"
#include "xsk/veth_pair.h"
#include "xsk/xdp_program.h"

namespace afxfw {

/// A running firewall on one interface: everything that is set up for it, in
/// the order in which it must go again. One thread owns it and calls it.
class Engine {
 public:
  /// Checks everything, then sets up and starts; on return every queue is being
  /// filtered. Whatever was done is undone when something fails. Throws Error.
  static std::unique_ptr<Engine> start(EngineOptions options, PacketLogger::Output packet_log);

  /// What start() would do, as far as it can be found out without changing
  /// anything: reads the lists, checks the interface, loads the XDP program for
  /// the verifier. Throws Error. Returns the plan and the compiled rules.
  struct Check {
    Plan plan;
    std::unique_ptr<const RuleSet> rules;
    std::chrono::duration<double> load_time{};  ///< of the rules
  };
  static Check check(const EngineOptions& options);

  /// Removes what a killed afxfw left on the interface. Returns a sentence on
  /// what that was. Throws Error, also when one is running there.
  static std::string detach(const std::string& interface);

  /// As stop(), and puts back all that was changed.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// The rules in force, and how to change them while packets flow.
  [[nodiscard]] LiveRules& rules() noexcept { return rules_; }

  /// What is told to those who watch; one at most, replacing the one before.
  void set_event_sink(EventSink sink) { event_sink_ = std::move(sink); }

  /// Detaches the program, lets the workers finish what they have, and ends
  /// them. Counters stay readable. Once.
  void stop() noexcept;

  /// For poll(): readable when the interface may have changed; call
  /// follow_link() then.
  [[nodiscard]] int link_event_fd() const noexcept { return monitor_.fd(); }

  /// Adapts to changes of the interface and logs them. False when it has gone
  /// for good: nothing is left to do but to stop.
  [[nodiscard]] bool follow_link();

  /// For poll(): readable when background work has ended; call finish_background()
  /// then.
  [[nodiscard]] std::vector<int> background_fds() const { return rules_.background_fds(); }
  void finish_background() { rules_.finish_background(); }

  /// Frees what a reload replaced, once no worker uses it; lets elements expire;
  /// measures rates; logs what goes wrong on the interface or in its queues. To be
  /// called at next_deadline(), and every second or so.
  void housekeep();
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> next_deadline() const {
    return rules_.next_deadline();
  }

  /// Its name now.
  [[nodiscard]] const std::string& interface() const noexcept { return monitor_.link().name; }

  /// The queues whose workers, when housekeep() last looked, had done nothing at
  /// all for some seconds, not even look for packets.
  [[nodiscard]] const std::vector<std::uint32_t>& stalled_queues() const noexcept {
    return stall_watch_.stalled();
  }

  [[nodiscard]] Snapshot snapshot() const;

  /// Begins to capture what the workers judge, for the caller to read and to close.
  /// One at a time: nullptr while another is not over. Ends by itself with stop().
  [[nodiscard]] std::shared_ptr<PacketCapture> start_capture(const PacketCapture::Options& options);
  /// Whose packets workers dropped in the last ten seconds, for whatever reason; as of the last
  /// second, about. What an XDP program drops never gets here.
  [[nodiscard]] HotSources::Ranking hottest_sources();

  /// A few lines for a person on how it runs: mode, queues, zero-copy, rules.
  [[nodiscard]] std::string description() const;

 private:
  struct WorkerThread {
    std::unique_ptr<Worker> worker;
    std::thread thread;
  };

  Engine(EngineOptions options, Plan plan, std::unique_ptr<const RuleSet> rules,
         PacketLogger::Output packet_log);
  /// Throws Error if attaching the program brought queues that have no worker.
  void require_no_more_queues() const;
  void adjust_napi();
  /// Puts the interrupts back as they were where nothing can be polled instead.
  void check_busy_polling();
  /// So that the interface of --reinject dev: is sent to without copies, if it can.
  void prepare_device();
  void start_workers();
  void start_packet_logger();
  void start_push_down();
  /// What depends on which rules there are.
  void follow_rules();
  void report_setup() const;
  void warn_of_link_state(const Link& link);
  void check_progress(std::chrono::steady_clock::time_point now);
  void check_settings();
  /// Whether a capture runs; frees one that is over.
  [[nodiscard]] bool capturing();
  [[nodiscard]] std::vector<QueueSnapshot> queue_snapshots() const;
  void report(const Event& event) const;

  EngineOptions options_;
  Plan plan_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();

  // Destroyed from the last to the first: sockets go before the pair they send
  // into and before the settings that they need; the lock goes last.
  InstanceLock lock_;
  LinkMonitor monitor_;
  LiveRules rules_;
  std::unique_ptr<VethPair> veth_pair_;  // for --reinject stack
  std::unique_ptr<ConflictingOffloads> offloads_;
  std::unique_ptr<NapiSettingsGuard> napi_settings_;  // for --busy-poll
  std::unique_ptr<PassProgram> pass_program_;         // for --reinject dev:
  std::unique_ptr<XdpProgram> program_;
  std::vector<WorkerThread> workers_;
  // Kept until the workers have let go of it.
  std::shared_ptr<PacketCapture> capture_;
  std::optional<HotSources> hot_sources_;  // reads the workers' sketches
  std::optional<PushDown> push_down_;
  PacketLogger::Output packet_log_;
  std::unique_ptr<PacketLogger> packet_logger_;  // reads the workers' queues
  HealthWatch health_;
  StallWatch stall_watch_;
  RateLimit link_warnings_;
  std::chrono::steady_clock::time_point next_health_check_{};
  std::chrono::steady_clock::time_point next_settings_check_{};
  EventSink event_sink_;
  RateMeter rates_{started_};
  bool stopped_ = false;
  double stopped_uptime_s_ = 0;
};

}  // namespace afxfw
