#include "app/replay_options.h"

#include <boost/program_options.hpp>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "app/rule_options.h"

namespace afxfw {

namespace {

namespace po = boost::program_options;

po::options_description filter_options() {
  po::options_description group("Filtering");
  add_rule_options(group);
  return group;
}

po::options_description output_options() {
  po::options_description group("Output");
  group.add_options()("explain", po::bool_switch(),
                      "print a line for each packet: which rule decided, and why")(
      "json", po::bool_switch(),
      "print JSON: one line at the end, with --explain one a packet too")(
      "write-accepted,w", po::value<std::string>()->value_name("FILE"),
      "write accepted packets to a pcap file; - is standard output, the rest then goes to "
      "standard error")("write-dropped", po::value<std::string>()->value_name("FILE"),
                        "the same for dropped packets");
  return group;
}

po::options_description general_options() {
  po::options_description group("General");
  group.add_options()("version,V", po::bool_switch(), "print the version")(
      "help,h", po::bool_switch(), "print this help");
  return group;
}

po::options_description visible_options() {
  po::options_description all;
  all.add(filter_options()).add(output_options()).add(general_options());
  return all;
}

po::variables_map read_variables(int argc, const char* const* argv) {
  po::options_description all = visible_options();
  all.add_options()("capture", po::value<std::vector<std::string>>());
  po::positional_options_description captures;
  captures.add("capture", -1);
  po::variables_map variables;
  try {
    read_command_line(argc, argv, all, captures, variables);
    po::notify(variables);
  } catch (const po::error& error) {
    throw_usage(error.what());
  }
  return variables;
}

ReplayOptions replay_options(const po::variables_map& variables) {
  const auto text = [&](const char* option) {
    return variables.count(option) != 0 ? variables[option].as<std::string>() : std::string();
  };
  ReplayOptions options;
  options.captures = strings(variables, "capture");
  if (options.captures.empty()) throw_usage("name a capture to read, or - for standard input");
  if (std::count(options.captures.begin(), options.captures.end(), "-") > 1) {
    throw_usage("standard input (-) can be read once only");
  }
  for (const char* option : {"write-accepted", "write-dropped"}) {
    if (variables.count(option) != 0 && text(option).empty()) {
      throw_usage(std::string("--") + option + " needs the name of a file");
    }
  }
  options.write_accepted = text("write-accepted");
  options.write_dropped = text("write-dropped");
  return options;
}

}  // namespace

ReplayAppOptions parse_replay_options(int argc, const char* const* argv) {
  const po::variables_map variables = read_variables(argc, argv);
  const auto flag = [&](const char* option) { return variables[option].as<bool>(); };
  ReplayAppOptions options;
  if (flag("help")) {
    options.command = ReplayAppOptions::Command::kHelp;
    return options;
  }
  if (flag("version")) {
    options.command = ReplayAppOptions::Command::kVersion;
    return options;
  }
  options.rule_files = rule_files(variables);
  options.inline_policy = inline_policy(variables);
  options.replay = replay_options(variables);
  options.explain = flag("explain");
  options.json = flag("json");
  return options;
}

void print_replay_help(std::ostream& output) {
  output
      << "Usage: afxfw-replay CAPTURE... [OPTIONS]\n\n"
         "Tells what afxfw would do with captured packets, by the same rules and the same code,\n"
         "without any privilege: counts by verdict, reason and rule. Reads pcap and pcapng files,\n"
         "one after another; - is standard input. Link types: Ethernet, raw IP, Linux cooked, BSD\n"
         "loopback.\n\n"
         "Note: unless --inline-drop says otherwise, all UDP is dropped (DNS, DHCP, NTP and\n"
         "QUIC too), and TCP to port 80.\n\n"
         "Examples:\n"
         "  afxfw-replay trace.pcap --blocklist drop.netset\n"
         "  afxfw-replay trace.pcap --inline-drop none --explain | grep drop\n"
         "  afxfw-replay day-*.pcapng --blocklist drop.netset --json | jq .verdicts\n"
         "  afxfw-replay trace.pcap --write-accepted passed.pcap --write-dropped dropped.pcap\n"
         "  tcpdump -i eth0 -c 10000 -w - | afxfw-replay - --blocklist drop.netset\n"
      << visible_options()
      << "\n"
         "Times are UTC. Lengths are those on the wire, with the capture's own link header.\n"
         "A packet that the capture's snap length cut is judged as if it were whole; if not even\n"
         "its headers are there, it is counted as not judged, and is neither accepted nor "
         "dropped.\n"
         "A capture that breaks off counts up to there, with a warning and exit code 1.\n\n"
         "Exit codes: 0 fine, 1 a failure on the way or a capture that breaks off, 2 bad usage, a\n"
         "bad list, or a file that is no capture.\n";
}

}  // namespace afxfw
