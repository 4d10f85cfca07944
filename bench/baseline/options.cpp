#include "options.h"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <cmath>
#include <sstream>

#include "util/error.h"

namespace afxfw::bench {

namespace {

namespace po = boost::program_options;

constexpr std::uint32_t kMaxBatch = 256;  // as afxfw's

po::options_description describe_options() {
  po::options_description all("Options");
  all.add_options()("mode", po::value<std::string>()->value_name("MODE"),
                    "as above, instead of the first word")(
      "iface,i", po::value<std::string>()->default_value("eth0")->value_name("NAME"),
      "interface to receive from")(
      "queue", po::value<std::uint32_t>()->default_value(0)->value_name("N"), "its receive queue")(
      "cpu", po::value<int>()->default_value(0)->value_name("N"), "CPU that the loop runs on")(
      "batch", po::value<std::uint32_t>()->default_value(64)->value_name("N"),
      "packets at a time, 1 to 256")(
      "blocklist", po::value<std::string>()->default_value("")->value_name("FILE"),
      "for xdp-trie: a plain list of addresses and prefixes")(
      "pass", po::bool_switch(), "for xdp-trie: pass what is not listed; it is dropped otherwise")(
      "duration", po::value<double>()->default_value(0, "0")->value_name("SECONDS"),
      "stop after so long; 0: at Ctrl-C or SIGTERM")(
      "stats-interval", po::value<double>()->default_value(0, "0")->value_name("SECONDS"),
      "print a line so often; 0: only at the end")("help,h", po::bool_switch(), "print this help");
  return all;
}

[[noreturn]] void throw_usage(const std::string& text) {
  throw Error(text + "; try --help", ExitCode::kUsage);
}

Mode parse_mode(const std::string& text) {
  if (text == "drop") return Mode::kDrop;
  if (text == "read") return Mode::kRead;
  if (text == "veth") return Mode::kVeth;
  if (text == "tap") return Mode::kTap;
  if (text == "xdp-drop") return Mode::kXdpDrop;
  if (text == "xdp-trie") return Mode::kXdpTrie;
  throw_usage(fmt::format(
      "the mode is '{}', but must be one of: drop, read, veth, tap, xdp-drop, xdp-trie", text));
}

double require_seconds(const std::string& option, double value) {
  if (!std::isfinite(value) || value < 0) {
    throw_usage(fmt::format("--{} must be a number of seconds, 0 or more", option));
  }
  return value;
}

po::variables_map read_variables(int argc, const char* const* argv) {
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
  return variables;
}

}  // namespace

std::optional<Options> parse_options(int argc, const char* const* argv) {
  const po::variables_map variables = read_variables(argc, argv);
  if (variables["help"].as<bool>()) return std::nullopt;
  if (variables.count("mode") == 0) throw_usage("no mode given");
  Options options;
  options.mode_name = variables["mode"].as<std::string>();
  options.mode = parse_mode(options.mode_name);
  options.interface = variables["iface"].as<std::string>();
  options.queue_id = variables["queue"].as<std::uint32_t>();
  options.cpu = variables["cpu"].as<int>();
  options.batch = variables["batch"].as<std::uint32_t>();
  if (options.batch == 0 || options.batch > kMaxBatch) {
    throw_usage(fmt::format("--batch is {}, but must be from 1 to {}", options.batch, kMaxBatch));
  }
  options.blocklist = variables["blocklist"].as<std::string>();
  options.pass_allowed = variables["pass"].as<bool>();
  const bool wants_list = options.mode == Mode::kXdpTrie;
  if (wants_list == options.blocklist.empty() || (options.pass_allowed && !wants_list)) {
    throw_usage("--blocklist belongs to the mode xdp-trie, which needs it; --pass too");
  }
  options.duration_s = require_seconds("duration", variables["duration"].as<double>());
  options.stats_interval_s =
      require_seconds("stats-interval", variables["stats-interval"].as<double>());
  return options;
}

std::string help_text() {
  std::ostringstream text;
  text << "Usage: bare-afxdp MODE [OPTIONS]\n\n"
          "Loops that do what afxfw does without its filtering, as a measure of its cost:\n"
          "  drop      receives through AF_XDP and drops\n"
          "  read      the same behind afxfw's XDP program with its default policy, reading\n"
          "            a byte of each packet: what is left to afxfw's worker beyond this is\n"
          "            its own\n"
          "  veth      receives through AF_XDP and sends into a veth pair that hands the\n"
          "            packets back to the ingress of the interface\n"
          "  tap       receives through AF_XDP and writes each packet to a TAP interface,\n"
          "            afxfw-bench-tap, from which the host's stack takes it\n"
          "  xdp-drop  drops everything in XDP\n"
          "  xdp-trie  looks the source address up in a kernel LPM trie in XDP and drops\n"
          "            what is listed\n"
          "Prints what it did as JSON, a line an interval and one at the end.\n\n"
       << describe_options();
  return text.str();
}

}  // namespace afxfw::bench
