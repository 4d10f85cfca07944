#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <string_view>

#include "pktgen/options.h"
#include "pktgen/progress_line.h"
#include "pktgen/receive/receive.h"
#include "pktgen/receive/receive_report.h"
#include "pktgen/report.h"
#include "pktgen/run.h"
#include "pktgen/traffic_plan.h"
#include "pktgen/transmission.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "xsk/bpf_log.h"
#include "xsk/link.h"

namespace afxfw::pktgen {

namespace {

constexpr std::uint32_t kVlanTagBytes = 4;

LogLevel log_level = LogLevel::kWarn;

void print_line(LogLevel level, std::string_view line) {
  if (level >= log_level) fmt::print(stderr, "afxfw-pktgen: {}\n", line);
}

/// Makes SIGINT and SIGTERM readable instead of deadly, in all threads made
/// from now on.
Fd take_over_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) {
    throw errno_error("cannot block signals", errno);
  }
  Fd fd(signalfd(-1, &signals, SFD_CLOEXEC));
  if (!fd) throw errno_error("cannot make a signalfd", errno);
  return fd;
}

Link check_link(const Options& options, const TrafficPlan& plan, Link link) {
  if (!link.ethernet) {
    throw Error(fmt::format("{} is no Ethernet interface", link.name), ExitCode::kUnsupported);
  }
  if (!link.up || !link.carrier) {
    throw Error(link.up ? fmt::format("{} has no carrier: its peer or cable is down", link.name)
                        : fmt::format("{} is down; 'ip link set {} up'", link.name, link.name),
                ExitCode::kUnsupported);
  }
  // A capture's frames may have tags, which the MTU does not count.
  const std::uint32_t tags = options.capture ? 2 * kVlanTagBytes : 0;
  const std::uint32_t most = link.mtu + link_header_bytes(options.traffic) + tags;
  if (plan.largest_bytes() > most) {
    const char* const source =
        options.capture ? "--pcap" : (options.traffic.imix ? "--imix" : "--size");
    throw Error(fmt::format("{}: {} bytes do not fit {}, whose MTU is {}; at most {}", source,
                            plan.largest_bytes(), link.name, link.mtu, most),
                ExitCode::kUsage);
  }
  return link;
}

/// Throws Error when the run did not do what was asked.
void check_result(const RunResult& result, const Transmission& transmission, const Link& link) {
  if (result.error) throw *result.error;
  const bool nothing_sent = result.total.sent == 0 && result.total.refused > 0;
  if (result.end != End::kStalled && !nothing_sent) return;
  const int error = result.total.error;
  const bool never = transmission.method == Method::kLive && refuses_live_frames(error);
  throw Error(fmt::format("{}: the driver took no frame for 1 s: {}{}", link.name,
                          explain_refusal(link, transmission.method, error),
                          never ? "; --method xsk sends in another way" : ""),
              never ? ExitCode::kUnsupported : ExitCode::kRuntime);
}

void start_logging(LogLevel level) {
  log_level = level;
  set_log_sink(print_line);
  capture_bpf_library_output();
}

ExitCode run_receiver(const ReceiveOptions& options) {
  const Link link = require_link(options.interface);
  if (!link.ethernet) {
    throw Error(fmt::format("{} is no Ethernet interface", link.name), ExitCode::kUnsupported);
  }
  const Fd stop_signals = take_over_stop_signals();
  // Whatever the level: who starts a sender afterwards waits for this line.
  const auto on_ready = [&] { fmt::print(stderr, "afxfw-pktgen: receiving on {}\n", link.name); };
  ProgressLine line("received");
  const ReceiveResult result =
      receive(options, link, stop_signals.get(), on_ready, [&](std::uint64_t packets) {
        line.update({packets, options.count});
      });
  line.clear();
  fmt::print("{}", options.json ? format_json(options, result) : format_text(options, result));
  std::fflush(stdout);
  if (result.receiver_dropped != 0) {
    log_warn(
        "{}: the receiver itself was too slow for {} packets, which count as lost; give it a "
        "CPU of its own (--cpus), or send less",
        link.name, result.receiver_dropped);
  }
  return ExitCode::kOk;
}

RunLimits run_limits(const Options& options, const TrafficPlan& plan) {
  RunLimits limits;
  limits.count = options.count;
  limits.duration = options.duration;
  limits.rate = options.rate;
  limits.burst = options.burst;
  if (!options.capture) return limits;
  std::uint64_t frames = 0;
  if (!__builtin_mul_overflow(plan.capture->size(), options.capture->loops, &frames)) {
    limits.count = std::min(frames, options.count.value_or(frames));
  }
  if (options.capture->speed > 0) {
    limits.capture = plan.capture.get();
    limits.speed = options.capture->speed;
  }
  return limits;
}

ExitCode run_sender(const Options& options) {
  const Link found = require_link(options.interface);
  const TrafficPlan plan = plan_traffic(options, found.mac);
  const Link link = check_link(options, plan, found);
  // Before any thread is made: they inherit what is blocked.
  const Fd stop_signals = take_over_stop_signals();
  Transmission transmission = open_transmission(options, link, plan);
  ProgressLine line("sent");
  const RunResult result = run(transmission, run_limits(options, plan), stop_signals.get(),
                               [&](const Progress& progress) { line.update(progress); });
  line.clear();

  const Report report{options, plan, transmission, result};
  fmt::print("{}", options.json ? format_json(report) : format_text(report));
  std::fflush(stdout);
  check_result(result, transmission, link);
  if (result.end == End::kDuration && result.planned && result.total.sent < *result.planned) {
    log_warn("{}: {} of {} frames were not sent in time: this machine cannot keep the rate",
             link.name, *result.planned - result.total.sent, *result.planned);
  }
  return ExitCode::kOk;
}

ExitCode run_command(int argc, char** argv) {
  const CommandLine command_line = parse_command_line(argc, argv);
  if (command_line.receive) {
    start_logging(command_line.receive->log_level);
    return run_receiver(*command_line.receive);
  }
  if (command_line.options) {
    start_logging(command_line.options->log_level);
    return run_sender(*command_line.options);
  }
  fmt::print("{}", command_line.text);
  return ExitCode::kOk;
}

}  // namespace

}  // namespace afxfw::pktgen

int main(int argc, char** argv) {
  using afxfw::ExitCode;
  try {
    return static_cast<int>(afxfw::pktgen::run_command(argc, argv));
  } catch (const afxfw::Error& error) {
    fmt::print(stderr, "afxfw-pktgen: {}\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "afxfw-pktgen: {}\n", error.what());
    return static_cast<int>(ExitCode::kRuntime);
  }
}
