/// bare-afxdp: what afxfw is measured against. Receives through AF_XDP and drops
/// or sends on, or drops in XDP, and does nothing else; see --help.

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <future>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "attachment.h"
#include "bare_sockets.h"
#include "util/cpu.h"
#include "util/error.h"
#include "xsk/bpf_log.h"
#include "xsk/link.h"
#include "xsk/veth_pair.h"

namespace {

using namespace afxfw;
using namespace afxfw::bench;
using Json = nlohmann::ordered_json;
using std::chrono::steady_clock;
namespace po = boost::program_options;

constexpr std::uint32_t kMaxBatch = 256;  // as afxfw's

enum class Mode { kDrop, kVeth, kXdpDrop };

struct Options {
  Mode mode = Mode::kDrop;
  std::string mode_name;
  std::string interface;
  std::uint32_t queue_id = 0;
  int cpu = 0;
  std::uint32_t batch = 0;
  double duration_s = 0;
  double stats_interval_s = 0;
};

po::options_description describe_options() {
  po::options_description all("Options");
  all.add_options()("iface,i", po::value<std::string>()->default_value("eth0")->value_name("NAME"),
                    "interface to receive from")(
      "queue", po::value<std::uint32_t>()->default_value(0)->value_name("N"), "its receive queue")(
      "cpu", po::value<int>()->default_value(0)->value_name("N"), "CPU that the loop runs on")(
      "batch", po::value<std::uint32_t>()->default_value(64)->value_name("N"),
      "packets at a time, 1 to 256")(
      "duration", po::value<double>()->default_value(0, "0")->value_name("SECONDS"),
      "stop after so long; 0: at Ctrl-C or SIGTERM")(
      "stats-interval", po::value<double>()->default_value(0, "0")->value_name("SECONDS"),
      "print a line so often; 0: only at the end")(
      "mode", po::value<std::string>()->value_name("MODE"), "as above, instead of the first word")(
      "help,h", po::bool_switch(), "print this help");
  return all;
}

void print_help() {
  std::cout << "Usage: bare-afxdp MODE [OPTIONS]\n\n"
               "Loops that do what afxfw does without its filtering, as a measure of its cost:\n"
               "  drop      receives through AF_XDP and drops\n"
               "  veth      receives through AF_XDP and sends into a veth pair that hands the\n"
               "            packets back to the ingress of the interface\n"
               "  xdp-drop  drops everything in XDP\n"
               "Prints what it did as JSON.\n\n"
            << describe_options();
}

[[noreturn]] void throw_usage(const std::string& text) {
  throw Error(text + "; try --help", ExitCode::kUsage);
}

Mode parse_mode(const std::string& text) {
  if (text == "drop") return Mode::kDrop;
  if (text == "veth") return Mode::kVeth;
  if (text == "xdp-drop") return Mode::kXdpDrop;
  throw_usage(fmt::format("the mode is '{}', but must be one of: drop, veth, xdp-drop", text));
}

/// nullopt: help was asked for.
std::optional<Options> parse_options(int argc, const char* const* argv) {
  po::variables_map variables;
  try {
    const po::options_description all = describe_options();
    po::positional_options_description positional;
    positional.add("mode", 1);
    po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(),
              variables);
  } catch (const po::error& error) {
    throw_usage(error.what());
  }
  if (variables["help"].as<bool>()) return std::nullopt;
  if (variables.count("mode") == 0) throw_usage("no mode given");
  Options options;
  options.mode_name = variables["mode"].as<std::string>();
  options.mode = parse_mode(options.mode_name);
  options.interface = variables["iface"].as<std::string>();
  options.queue_id = variables["queue"].as<std::uint32_t>();
  options.cpu = variables["cpu"].as<int>();
  options.batch = variables["batch"].as<std::uint32_t>();
  options.duration_s = variables["duration"].as<double>();
  options.stats_interval_s = variables["stats-interval"].as<double>();
  if (options.batch == 0 || options.batch > kMaxBatch) {
    throw_usage(fmt::format("--batch must be from 1 to {}", kMaxBatch));
  }
  if (!(options.duration_s >= 0) || !(options.stats_interval_s >= 0)) {
    throw_usage("--duration and --stats-interval must be numbers of seconds, 0 or more");
  }
  return options;
}

/// Packets that the interface has received, those that XDP dropped included.
std::uint64_t interface_packets(const std::string& interface) {
  constexpr auto kWholeLine = std::numeric_limits<std::streamsize>::max();
  std::ifstream devices("/proc/thread-self/net/dev");
  std::string device;
  std::uint64_t bytes = 0;
  std::uint64_t packets = 0;
  while (devices >> device) {
    if (device == interface + ":" && devices >> bytes >> packets) return packets;
    devices.ignore(kWholeLine, '\n');
  }
  throw Error("the interface " + interface + " has gone");
}

/// A mode at work, from construction on.
class Work {
 public:
  virtual ~Work() = default;
  [[nodiscard]] virtual Json report() const = 0;
};

class XdpDrop final : public Work {
 public:
  XdpDrop(const Options& options, const Link& link)
      : interface_(options.interface),
        before_(interface_packets(interface_)),
        attachment_(Attachment::drop(interface_, link.ifindex)) {}

  [[nodiscard]] Json report() const override {
    return {{"total", {{"dropped", interface_packets(interface_) - before_}}}};
  }

 private:
  std::string interface_;
  std::uint64_t before_;
  Attachment attachment_;
};

class AfxdpLoop final : public Work {
 public:
  AfxdpLoop(const Options& options, const Link& link) {
    BareOptions bare;
    bare.interface = options.interface;
    bare.queue_id = options.queue_id;
    bare.batch = options.batch;
    if (options.mode == Mode::kVeth) {
      veth_pair_ = std::make_unique<VethPair>(link, 1);
      bare.transmit_interface = veth_pair_->transmit_end();
    }
    std::promise<void> opened;
    std::future<void> open = opened.get_future();
    thread_ = std::thread(
        [this, bare, cpu = options.cpu, &opened] { run(bare, cpu, std::move(opened)); });
    try {
      open.get();
      attachment_.emplace(Attachment::redirect(options.interface, link.ifindex, options.queue_id,
                                               sockets_->receiving_fd()));
    } catch (...) {
      stop();
      throw;
    }
  }

  ~AfxdpLoop() override {
    attachment_.reset();
    stop();
  }
  AfxdpLoop(const AfxdpLoop&) = delete;
  AfxdpLoop& operator=(const AfxdpLoop&) = delete;

  [[nodiscard]] Json report() const override {
    const xdp_statistics kernel = sockets_->kernel_statistics();
    return {{"zero_copy", sockets_->zero_copy()},
            {"total",
             {{"received", sockets_->received()},
              {"reinjected", sockets_->sent()},
              {"tx_full", sockets_->tx_full()}}},
            {"kernel",
             {{"rx_dropped", kernel.rx_dropped},
              {"rx_ring_full", kernel.rx_ring_full},
              {"rx_fill_ring_empty", kernel.rx_fill_ring_empty_descs}}}};
  }

 private:
  void run(const BareOptions& bare, int cpu, std::promise<void> opened) {
    try {
      pin_this_thread(cpu);
      sockets_ = std::make_unique<BareSockets>(bare);
    } catch (...) {
      opened.set_exception(std::current_exception());
      return;
    }
    opened.set_value();
    if (bare.transmit_interface.empty()) {
      sockets_->run_drop(stop_);
    } else {
      sockets_->run_forward(stop_);
    }
  }

  void stop() noexcept {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

  std::unique_ptr<VethPair> veth_pair_;
  std::unique_ptr<BareSockets> sockets_;
  std::optional<Attachment> attachment_;
  alignas(kCacheLine) std::atomic<bool> stop_{false};
  alignas(kCacheLine) std::thread thread_;
};

std::unique_ptr<Work> start(const Options& options) {
  const Link link = require_link(options.interface);
  if (options.mode == Mode::kXdpDrop) return std::make_unique<XdpDrop>(options, link);
  return std::make_unique<AfxdpLoop>(options, link);
}

void print(const Options& options, const Work& work, steady_clock::time_point started) {
  const std::chrono::duration<double> uptime = steady_clock::now() - started;
  Json line = {
      {"mode", options.mode_name}, {"interface", options.interface}, {"uptime_s", uptime.count()}};
  line.update(work.report());
  std::cout << line.dump() << std::endl;
}

/// Prints now and then until a signal of `signals` comes or the time is over.
void report_until_stopped(const Options& options, const Work& work, const sigset_t& signals) {
  const auto seconds = [](double value) {
    return std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(value));
  };
  const auto started = steady_clock::now();
  const auto never = steady_clock::time_point::max();
  const auto interval = seconds(options.stats_interval_s);
  const auto end = options.duration_s > 0 ? started + seconds(options.duration_s) : never;
  auto next = options.stats_interval_s > 0 ? started + interval : never;
  for (;;) {
    // Bounded, so that "never" does not overflow.
    constexpr std::chrono::hours kLongest{1};
    const auto wait = std::min<steady_clock::duration>(
        std::max<steady_clock::duration>(std::min(next, end) - steady_clock::now(), {}), kLongest);
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(wait);
    const timespec timeout{whole.count(), std::chrono::nanoseconds(wait - whole).count()};
    if (sigtimedwait(&signals, nullptr, &timeout) > 0 || steady_clock::now() >= end) break;
    if (steady_clock::now() < next) continue;
    print(options, work, started);
    while (next <= steady_clock::now()) next += interval;
  }
  print(options, work, started);
}

void run(const Options& options) {
  // Before the first thread, which inherits it.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  capture_bpf_library_output();

  const std::unique_ptr<Work> work = start(options);
  std::cerr << "bare-afxdp: ready\n";
  report_until_stopped(options, *work, signals);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto options = parse_options(argc, argv);
    if (!options) {
      print_help();
      return 0;
    }
    run(*options);
    return 0;
  } catch (const Error& error) {
    std::cerr << "bare-afxdp: " << error.what() << '\n';
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cerr << "bare-afxdp: " << error.what() << '\n';
    return static_cast<int>(ExitCode::kRuntime);
  }
}
