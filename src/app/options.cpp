#include "app/options.h"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <ostream>
#include <system_error>
#include <utility>
#include <vector>

#include "app/command_line.h"
#include "app/rule_options.h"
#include "control/metrics_server.h"
#include "util/cpu.h"
#include "util/error.h"
#include "worker/worker.h"

namespace afxfw {

namespace {

namespace po = boost::program_options;

constexpr std::uint32_t kMinRing = 64;
constexpr std::uint32_t kMaxRing = 32768;
constexpr std::uint32_t kMaxFrames = 1U << 20;
// Each CPU keeps up to 128 free entries of such a map to itself.
constexpr std::uint32_t kMinFlows = 1024;
constexpr std::uint32_t kMaxFlows = 1U << 24;
// Their counters are read each second, by a system call each.
constexpr std::uint32_t kMaxPushed = 10'000;

// A ring of the default size fills in half of it at 4 million packets a second.
constexpr std::uint32_t kMaxCoalesceUs = 1000;

po::options_description interface_options() {
  po::options_description group("Interface and queues");
  group.add_options()("iface,i",
                      po::value<std::string>()->default_value("eth0")->value_name("NAME"),
                      "interface to filter")(
      "queues,q", po::value<std::string>()->default_value("auto")->value_name("N|auto"),
      "receive queues, one worker each; auto: all")(
      "allow-unfiltered-queues", po::bool_switch(),
      "run although the interface has more queues than --queues")(
      "mode", po::value<std::string>()->default_value("auto")->value_name("auto|native|generic"),
      "XDP mode; auto: native, or generic if the driver refuses")(
      "zero-copy", po::value<std::string>()->default_value("auto")->value_name("auto|require|off"),
      "zero-copy sockets; auto: where the driver can");
  return group;
}

po::options_description filter_options() {
  po::options_description group("Filtering");
  add_rule_options(group);
  group.add_options()(
      "on-failure", po::value<std::string>()->default_value("pass")->value_name("pass|drop"),
      "what becomes of a queue's packets while it has no worker, afxfw having been killed for one")(
      "reinject",
      po::value<std::string>()->default_value("stack")->value_name("stack|none|tx|dev:NAME"),
      "where accepted packets go: to the host as if just received, nowhere (count only), back "
      "out, or out of another interface")(
      "fast-path", po::bool_switch(),
      "let XDP pass the further packets of accepted TCP and UDP flows to the host, until rules "
      "change; not if a rule that looks at more than addresses and ports, counts, limits or logs "
      "had a part in it")(
      "fast-path-flows", po::value<std::uint32_t>()->default_value(65536)->value_name("N"),
      "such flows that are remembered, of IPv4 and of IPv6; those not seen for longest go first")(
      "push-down", po::value<std::uint32_t>()->default_value(0)->value_name("N"),
      "let XDP drop what the N hottest sources on the blocklist send, which workers then need not; "
      "0: none");
  return group;
}

po::options_description tuning_options() {
  po::options_description group("Tuning");
  group.add_options()("cpus", po::value<std::string>()->value_name("LIST"),
                      "CPUs for the workers, such as 2-9; default: those allowed")(
      "batch", po::value<std::uint32_t>()->default_value(64)->value_name("N"),
      "packets a worker handles at a time, 1 to 256")(
      "ring-size", po::value<std::uint32_t>()->default_value(2048)->value_name("N"),
      "entries of the RX and TX rings, a power of two; the fill ring has twice as many")(
      "frames", po::value<std::uint32_t>()->default_value(8192)->value_name("N"),
      "frames of packet memory a queue")(
      "busy-poll", po::bool_switch(),
      "never sleep, and poll the driver instead of taking interrupts")(
      "coalesce", po::value<std::uint32_t>()->default_value(0)->value_name("USECS"),
      "when no packet waits, sleep for so long instead of spinning: saves CPU time below full "
      "load, and adds up to as much latency; 0: spin");
  return group;
}

po::options_description output_options() {
  po::options_description group("Output");
  group.add_options()("stats-interval",
                      po::value<double>()->default_value(1, "1")->value_name("SECONDS"),
                      "print statistics so often; 0: only at the end")(
      "json", po::bool_switch(), "statistics as JSON, a line an interval")(
      "log-packets",
      po::value<std::string>()->default_value("none")->value_name("none|drop|accept|all"),
      "print a line for each packet that a worker dropped or accepted")(
      "log-rate", po::value<std::uint32_t>()->default_value(1000)->value_name("N"),
      "such lines a second, at most; 0: no limit")(
      "log-level",
      po::value<std::string>()->default_value("info")->value_name("debug|info|warn|error"),
      "messages on stderr")(
      "log-format",
      po::value<std::string>()->default_value("text")->value_name("text|json|journald"),
      "how they look: for a person, a JSON object a line, or with journald's fields")(
      "metrics", po::value<std::string>()->value_name("ADDRESS:PORT"),
      "serve statistics to Prometheus there, such as 127.0.0.1:9469, at /metrics; /healthz tells "
      "whether all is well");
  return group;
}

po::options_description control_options() {
  po::options_description group("Control, by afxfwctl");
  group.add_options()("control", po::value<std::string>()->value_name("PATH|none"),
                      "Unix socket to listen on; default: /run/afxfw/IFACE.sock")(
      "control-group", po::value<std::string>()->default_value("")->value_name("GROUP"),
      "let members of GROUP change things, and not root alone")(
      "control-read-group", po::value<std::string>()->default_value("")->value_name("GROUP"),
      "let members of GROUP look; default: those of --control-group")(
      "persist", po::value<std::string>()->default_value("")->value_name("FILE"),
      "keep in FILE what afxfwctl adds and removes, for the next start");
  return group;
}

po::options_description general_options() {
  po::options_description group("General");
  group.add_options()(
      "config,c", po::value<std::vector<std::string>>()->composing()->value_name("FILE"),
      "read options from FILE: lines like blocklist = /etc/afxfw/drop.netset; may be repeated, the "
      "last one wins over the others and the command line over all; --config=-FILE: if it exists")(
      "duration", po::value<double>()->default_value(0, "0")->value_name("SECONDS"),
      "stop after so long; 0: at Ctrl-C or SIGTERM")(
      "check", po::bool_switch(),
      "check lists and rules, without an interface, and show what they are")(
      "dry-run", po::bool_switch(), "the same, and check options and interface; attach nothing")(
      "detach", po::bool_switch(), "remove what a killed afxfw left on the interface")(
      "version,V", po::bool_switch(), "print the version")("help,h", po::bool_switch(),
                                                           "print this help");
  return group;
}

po::options_description all_options() {
  po::options_description all;
  all.add(interface_options())
      .add(filter_options())
      .add(tuning_options())
      .add(output_options())
      .add(control_options())
      .add(general_options());
  return all;
}

/// One of a fixed set of words.
template <typename Value>
Value choose(const std::string& option, const std::string& text,
             std::initializer_list<std::pair<const char*, Value>> choices) {
  std::string words;
  for (const auto& [word, value] : choices) {
    if (text == word) return value;
    words += fmt::format("{}{}", words.empty() ? "" : ", ", word);
  }
  throw_usage(fmt::format("--{} is '{}', but must be one of: {}", option, text, words));
}

void require_range(const std::string& option, std::uint32_t value, std::uint32_t least,
                   std::uint32_t most) {
  if (value < least || value > most) {
    throw_usage(fmt::format("--{} is {}, but must be from {} to {}", option, value, least, most));
  }
}

double require_seconds(const std::string& option, double value) {
  if (!std::isfinite(value) || value < 0) {
    throw_usage(fmt::format("--{} must be a number of seconds, 0 or more", option));
  }
  return value;
}

std::optional<std::uint32_t> parse_queues(const std::string& text) {
  if (text == "auto") return std::nullopt;
  std::uint32_t queues = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), queues);
  if (error != std::errc{} || end != text.data() + text.size() || queues == 0) {
    throw_usage(fmt::format("--queues is '{}', but must be a number from 1, or auto", text));
  }
  return queues;
}

XdpModeRequest parse_mode(const std::string& text) {
  if (text == "offload") {
    throw Error(
        "--mode offload: a program that runs on the network card cannot redirect to a "
        "socket of this host, so that no worker would see a packet; use native or generic",
        ExitCode::kUnsupported);
  }
  return choose<XdpModeRequest>("mode", text,
                                {{"auto", XdpModeRequest::kAuto},
                                 {"native", XdpModeRequest::kNative},
                                 {"generic", XdpModeRequest::kGeneric}});
}

ReinjectOption parse_reinject(const std::string& text) {
  using Kind = ReinjectOption::Kind;
  constexpr std::string_view kDevice = "dev:";
  if (text.starts_with(kDevice) && text.size() > kDevice.size()) {
    return {Kind::kDevice, text.substr(kDevice.size())};
  }
  if (text == "stack") return {Kind::kStack, ""};
  if (text == "none") return {Kind::kNone, ""};
  if (text == "tx") return {Kind::kTx, ""};
  throw_usage(
      fmt::format("--reinject is '{}', but must be one of: stack, none, tx, dev:NAME", text));
}

/// Adds what a file says to `variables`. "-FILE" may be missing.
void read_config_file(const std::string& name, const po::options_description& options,
                      po::variables_map& variables) {
  const bool optional = name.starts_with('-');
  const std::string file = name.substr(optional ? 1 : 0);
  std::ifstream stream(file);
  if (!stream) {
    const int error_number = errno;
    if (optional && error_number == ENOENT) return;
    throw_usage(fmt::format("cannot read the config file {}: {}", file,
                            std::generic_category().message(error_number)));
  }
  try {
    po::store(po::parse_config_file(stream, options), variables);
  } catch (const po::error& error) {
    throw_usage(fmt::format("{}: {}", file, error.what()));
  }
}

po::variables_map read_variables(int argc, const char* const* argv) {
  po::variables_map variables;
  try {
    const po::options_description options = all_options();
    read_command_line(argc, argv, options, {}, variables);
    // What is stored first wins.
    std::vector<std::string> files = strings(variables, "config");
    std::reverse(files.begin(), files.end());
    for (const std::string& file : files) read_config_file(file, options, variables);
    po::notify(variables);
  } catch (const po::error& error) {
    throw_usage(error.what());
  }
  return variables;
}

/// What XDP passes goes to the host's stack, and no worker sees it.
void require_fast_path(const EngineOptions& options) {
  if (options.reinject.kind != ReinjectOption::Kind::kStack) {
    throw_usage(
        "--fast-path passes packets to the host's stack, where --reinject sends none; use "
        "--reinject stack, or leave --fast-path out");
  }
  if (options.log_packets == PacketLogMode::kAccept || options.log_packets == PacketLogMode::kAll) {
    throw_usage(
        "--fast-path and --log-packets accept or all: the log would lack what XDP passes; use "
        "--log-packets drop, or leave --fast-path out");
  }
}

EngineOptions engine_options(const po::variables_map& variables) {
  const auto text = [&](const char* option) { return variables[option].as<std::string>(); };
  const auto number = [&](const char* option) { return variables[option].as<std::uint32_t>(); };
  const auto flag = [&](const char* option) { return variables[option].as<bool>(); };

  EngineOptions options;
  options.interface = text("iface");
  options.queues = parse_queues(text("queues"));
  options.allow_unfiltered_queues = flag("allow-unfiltered-queues");
  options.mode = parse_mode(text("mode"));
  options.zero_copy = choose<ZeroCopy>(
      "zero-copy", text("zero-copy"),
      {{"auto", ZeroCopy::kAuto}, {"require", ZeroCopy::kRequire}, {"off", ZeroCopy::kOff}});
  options.inline_policy = inline_policy(variables);
  options.inline_policy.fallback =
      choose<afxfw_fallback>("on-failure", text("on-failure"),
                             {{"pass", AFXFW_FALLBACK_PASS}, {"drop", AFXFW_FALLBACK_DROP}});

  options.rule_files = rule_files(variables);
  options.reinject = parse_reinject(text("reinject"));

  if (variables.count("cpus") != 0) options.cpus = parse_cpu_list(text("cpus"));
  options.batch = number("batch");
  require_range("batch", options.batch, 1, Worker::kMaxBatch);
  options.ring_size = number("ring-size");
  require_range("ring-size", options.ring_size, kMinRing, kMaxRing);
  if (!std::has_single_bit(options.ring_size)) {
    throw_usage(fmt::format("--ring-size is {}, but must be a power of two", options.ring_size));
  }
  options.frames = number("frames");
  require_range("frames", options.frames, 1, kMaxFrames);
  options.busy_poll = flag("busy-poll");
  require_range("coalesce", number("coalesce"), 0, kMaxCoalesceUs);
  options.coalesce = std::chrono::microseconds(number("coalesce"));
  if (options.busy_poll && options.coalesce.count() != 0) {
    throw_usage("--busy-poll never sleeps, and --coalesce is about sleeping: use one of them");
  }

  options.log_packets = choose<PacketLogMode>("log-packets", text("log-packets"),
                                              {{"none", PacketLogMode::kNone},
                                               {"drop", PacketLogMode::kDrop},
                                               {"accept", PacketLogMode::kAccept},
                                               {"all", PacketLogMode::kAll}});
  options.log_rate = number("log-rate");
  require_range("fast-path-flows", number("fast-path-flows"), kMinFlows, kMaxFlows);
  options.push_down = number("push-down");
  require_range("push-down", options.push_down, 0, kMaxPushed);
  if (flag("fast-path")) {
    options.fast_path_flows = number("fast-path-flows");
    require_fast_path(options);
  }
  return options;
}

LogOptions log_options(const po::variables_map& variables) {
  LogOptions log;
  log.level = choose<LogLevel>("log-level", variables["log-level"].as<std::string>(),
                               {{"debug", LogLevel::kDebug},
                                {"info", LogLevel::kInfo},
                                {"warn", LogLevel::kWarn},
                                {"error", LogLevel::kError}});
  log.format = choose<LogFormat>(
      "log-format", variables["log-format"].as<std::string>(),
      {{"text", LogFormat::kText}, {"json", LogFormat::kJson}, {"journald", LogFormat::kJournald}});
  return log;
}

}  // namespace

AppOptions parse_options(int argc, const char* const* argv) {
  const po::variables_map variables = read_variables(argc, argv);
  const auto flag = [&](const char* option) { return variables[option].as<bool>(); };
  AppOptions options;
  if (flag("help")) {
    options.command = AppOptions::Command::kHelp;
    return options;
  }
  if (flag("version")) {
    options.command = AppOptions::Command::kVersion;
    return options;
  }
  options.engine = engine_options(variables);
  if (flag("check")) options.command = AppOptions::Command::kCheck;
  if (flag("dry-run")) options.command = AppOptions::Command::kDryRun;
  if (flag("detach")) options.command = AppOptions::Command::kDetach;
  const auto text = [&](const char* option) { return variables[option].as<std::string>(); };
  if (variables.count("control") != 0) options.control = text("control");
  options.control_group = text("control-group");
  options.control_read_group = text("control-read-group");
  options.engine.state_file = text("persist");
  options.json = flag("json");
  options.stats_interval_s =
      require_seconds("stats-interval", variables["stats-interval"].as<double>());
  options.duration_s = require_seconds("duration", variables["duration"].as<double>());
  options.log = log_options(variables);
  if (variables.count("metrics") != 0) {
    options.metrics = parse_metrics_address(variables["metrics"].as<std::string>());
  }
  // Without an interface, --check is about none.
  if (!flag("check")) options.log.interface = options.engine.interface;
  return options;
}

void print_help(std::ostream& output) {
  output << "Usage: afxfw [--iface NAME] [OPTIONS]\n\n"
            "Filters what an interface receives, in front of the host's network stack: XDP drops\n"
            "the cheap cases, AF_XDP workers apply the lists, and what is accepted goes on to the\n"
            "host as if it had just arrived. Ctrl-C puts everything back as it was.\n\n"
            "Note: unless --inline-drop says otherwise, all UDP is dropped (DNS, DHCP, NTP and\n"
            "QUIC too), and TCP to port 80.\n\n"
            "Examples:\n"
            "  afxfw --iface eth0 --queues 8\n"
            "  afxfw --iface eth0 --blocklist drop.netset --inline-drop none\n"
            "  afxfw --iface eth0 --reinject none --json        count only, for measurements\n"
            "  afxfwctl block 198.51.100.7 --for 10m            change it while it runs\n"
            "  afxfwctl reload, or kill -HUP $(pidof afxfw)     read the lists again\n"
         << all_options()
         << "\n"
            "Exit codes: 0 fine, 1 a failure while running, 2 bad usage or a bad list,\n"
            "3 missing privilege, 4 the interface or driver cannot do what was asked.\n";
}

}  // namespace afxfw
