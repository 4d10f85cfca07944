#include "app/ctl_options.h"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <ostream>
#include <utility>

#include "app/command_line.h"
#include "ctl/element_words.h"
#include "protocol/request.h"

namespace afxfw {

namespace {

namespace po = boost::program_options;

using Command = CtlOptions::Command;
using Words = std::vector<std::string>;

po::options_description visible_options() {
  po::options_description options("Options");
  options.add_options()("iface,i", po::value<std::string>()->value_name("NAME"),
                        "the afxfw on this interface; needed if several run")(
      "socket,s", po::value<std::string>()->value_name("PATH"),
      "the afxfw with this control socket")("json,j", po::bool_switch(), "answer in JSON")(
      "for", po::value<std::string>()->value_name("TIME"),
      "how long an element stays: 30s, 10m, 1h30m, 7d")(
      "comment", po::value<std::string>()->value_name("TEXT"), "why an element is there")(
      "file,f", po::value<std::string>()->value_name("FILE"),
      "more elements, one a line; -: standard input")(
      "rules,r", po::value<std::string>()->value_name("FILE"),
      "reload: take the rules from this file from now on")(
      "confirm", po::value<std::string>()->value_name("TIME"),
      "reload: go back after this time unless afxfwctl confirm comes before")(
      "write,w", po::value<std::string>()->value_name("FILE"),
      "capture: into this pcapng file; -: standard output")(
      "verdict", po::value<std::string>()->value_name("drop|accept|all"),
      "capture: packets that are dropped, accepted, or all (all unless given)")(
      "filter", po::value<std::string>()->value_name("EXPRESSION"),
      "capture: of these, only what it matches, as for tcpdump")(
      "snaplen", po::value<std::uint32_t>()->value_name("BYTES"),
      "capture: the first bytes of each packet; all of it unless given")(
      "interval", po::value<double>()->value_name("S"),
      "top: seconds between two looks, 0.1 to 30; 1 if not given")(
      "count,c", po::value<std::uint64_t>()->value_name("N"),
      "capture: end after so many packets; top: show so many rules and sources, at most (10 unless "
      "given)")("batch", po::bool_switch(), "top: plain text, for a pipe or a file")(
      "times,n", po::value<std::uint64_t>()->value_name("N"),
      "top --batch and top --json: so often; for ever if not given")(
      "version,V", po::bool_switch(), "print afxfwctl's version")("help,h", po::bool_switch(),
                                                                  "print this help");
  return options;
}

/// What a command is called, and the options that it takes besides those of all.
struct CommandWords {
  Command command;
  std::string_view words;
  std::string_view arguments;
  std::string_view options;  // separated by blanks
};

constexpr std::array<CommandWords, 19> kCommands = {{
    {Command::kStatus, "status", "", "json"},
    {Command::kTop, "top", "", "json interval count batch times"},
    {Command::kListRules, "list rules", "", "json"},
    {Command::kListSets, "list sets", "", "json"},
    {Command::kListSet, "list set", "NAME", "json"},
    {Command::kResetCounters, "reset counters", "", ""},
    {Command::kAdd, "block", "PREFIX…", "for comment file"},
    {Command::kDelete, "unblock", "PREFIX…", "file"},
    {Command::kAdd, "allow", "PREFIX…", "for comment file"},
    {Command::kDelete, "unallow", "PREFIX…", "file"},
    {Command::kAdd, "add element", "SET { ELEMENT, … }", "for comment file"},
    {Command::kDelete, "delete element", "SET { ELEMENT, … }", "file"},
    {Command::kFlush, "flush set", "SET", ""},
    {Command::kReload, "reload", "", "rules confirm"},
    {Command::kConfirm, "confirm", "", ""},
    {Command::kMonitor, "monitor", "", "json"},
    {Command::kCapture, "capture", "", "write verdict filter count snaplen"},
    {Command::kDetach, "detach", "", ""},
    {Command::kVersion, "version", "", "json"},
}};

std::string usage(const CommandWords& command) {
  std::string text = fmt::format("afxfwctl {}", command.words);
  if (!command.arguments.empty()) text += fmt::format(" {}", command.arguments);
  return text;
}

/// The command that the words begin with; they keep its arguments.
const CommandWords& take_command(Words& words) {
  for (const CommandWords& each : kCommands) {
    const std::size_t blank = each.words.find(' ');
    const std::size_t count = blank == std::string_view::npos ? 1 : 2;
    if (words.size() < count || words[0] != each.words.substr(0, blank)) continue;
    if (count == 2 && words[1] != each.words.substr(blank + 1)) continue;
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
    return each;
  }
  std::string similar;
  for (const CommandWords& each : kCommands) {
    if (each.words.starts_with(words[0] + " ")) similar += "\n  " + usage(each);
  }
  throw_usage(similar.empty()
                  ? fmt::format("there is no command '{}'", words[0])
                  : fmt::format("'{}' is not all of a command; there are:{}\n", words[0], similar));
}

void check_options(const CommandWords& command, const po::variables_map& variables) {
  for (const char* option :
       {"json", "for", "comment", "file", "rules", "confirm", "write", "verdict", "filter",
        "snaplen", "count", "interval", "batch", "times"}) {
    const po::variable_value& value = variables[option];
    const bool* const is_switch = boost::any_cast<bool>(&value.value());
    const bool given = is_switch != nullptr ? *is_switch : !value.empty();
    const std::string padded = fmt::format(" {} ", command.options);
    if (given && padded.find(fmt::format(" {} ", option)) == std::string::npos) {
      throw_usage(fmt::format("the command '{}' has no option --{}", command.words, option));
    }
  }
}

std::uint64_t duration(const po::variables_map& variables, const char* option) {
  const auto& text = variables[option].as<std::string>();
  const auto seconds = parse_duration_s(text);
  if (!seconds || *seconds > protocol::kMaxTimeoutS) {
    throw_usage(fmt::format("--{} is '{}', but must be a time such as 30s, 10m, 1h30m or 7d",
                            option, text));
  }
  return *seconds;
}

void read_top_options(const po::variables_map& variables, CtlOptions& options) {
  constexpr double kMsPerSecond = 1000;
  constexpr double kShortest = 0.1;
  constexpr double kLongest = 30;  // a client that is silent for a minute is cut off
  if (const auto& value = variables["interval"]; !value.empty()) {
    const auto interval = value.as<double>();
    if (!(interval >= kShortest && interval <= kLongest)) {
      throw_usage(fmt::format("--interval is {}, but must be {} to {} seconds", interval, kShortest,
                              kLongest));
    }
    options.top.interval = std::chrono::milliseconds(std::lround(interval * kMsPerSecond));
  }
  if (const auto& value = variables["count"]; !value.empty()) {
    const auto count = value.as<std::uint64_t>();
    if (count == 0 || count > protocol::kMaxSources) {
      throw_usage(fmt::format("--count is {}, but must be 1 to {}", count, protocol::kMaxSources));
    }
    options.top.count = count;
  }
  options.batch = variables["batch"].as<bool>();
  if (const auto& value = variables["times"]; !value.empty()) {
    if (!options.batch && !options.json) {
      throw_usage("--times is for top --batch and top --json; the screen stays until you press q");
    }
    options.times = value.as<std::uint64_t>();
  }
}

void require_count(const CommandWords& command, const Words& words, std::size_t count) {
  if (words.size() == count) return;
  throw_usage(fmt::format("expected: {}", usage(command)));
}

/// Prefixes, or "SET { ELEMENT, … }".
void read_elements(const CommandWords& command, Words words, CtlOptions& options) {
  const bool list = command.words.find(' ') == std::string_view::npos;
  if (list) {
    options.set = command.words.ends_with("block") ? protocol::kBlocklist : protocol::kAllowlist;
  } else {
    if (words.empty()) throw_usage(fmt::format("expected: {}", usage(command)));
    options.set = words.front();
    words.erase(words.begin());
  }
  // "block -" reads prefixes as filters do.
  if (list && words == Words{"-"} && !options.file) {
    options.file = "-";
    words.clear();
  }
  if (list) {
    for (const std::string& word : words) {
      auto elements = split_elements(word);
      if (!elements) throw_usage(elements.error());
      options.elements.insert(options.elements.end(), elements->begin(), elements->end());
    }
  } else {
    auto elements = split_elements(fmt::format("{}", fmt::join(words, " ")));
    if (!elements) throw_usage(elements.error());
    options.elements = std::move(*elements);
  }
  if (options.elements.empty() && !options.file) {
    throw_usage(fmt::format("expected: {}, or --file FILE", usage(command)));
  }
}

CaptureOptions read_capture(const po::variables_map& variables) {
  const auto has = [&](const char* option) { return variables.count(option) != 0; };
  CaptureOptions capture;
  if (!has("write")) {
    throw_usage(
        "capture needs --write FILE, or -w - for standard output, as in: "
        "afxfwctl capture -w - | tcpdump -r -");
  }
  capture.file = variables["write"].as<std::string>();
  if (has("verdict")) {
    const auto& name = variables["verdict"].as<std::string>();
    const auto verdict = protocol::find_captured_verdict(name);
    if (!verdict)
      throw_usage(fmt::format("--verdict is '{}', but must be drop, accept or all", name));
    capture.verdict = *verdict;
  }
  if (has("filter")) capture.filter = variables["filter"].as<std::string>();
  if (has("count")) {
    capture.count = variables["count"].as<std::uint64_t>();
    if (*capture.count == 0) throw_usage("--count is 0, but must be 1 or more");
  }
  if (has("snaplen")) {
    capture.snap_length = variables["snaplen"].as<std::uint32_t>();
    if (capture.snap_length == 0 || capture.snap_length > protocol::kMaxSnapLength) {
      throw_usage(fmt::format("--snaplen is {}, but must be 1 to {} bytes", capture.snap_length,
                              protocol::kMaxSnapLength));
    }
  }
  return capture;
}

po::variables_map read_variables(int argc, const char* const* argv) {
  po::options_description options = visible_options();
  options.add_options()("word", po::value<Words>());
  po::positional_options_description positional;
  positional.add("word", -1);
  po::variables_map variables;
  try {
    read_command_line(argc, argv, options, positional, variables);
    po::notify(variables);
  } catch (const po::error& error) {
    throw_usage(error.what());
  }
  return variables;
}

}  // namespace

CtlOptions parse_ctl_options(int argc, const char* const* argv) {
  const po::variables_map variables = read_variables(argc, argv);
  const auto has = [&](const char* option) { return variables.count(option) != 0; };
  CtlOptions options;
  if (has("iface")) options.interface = variables["iface"].as<std::string>();
  if (has("socket")) options.socket = variables["socket"].as<std::string>();
  options.json = variables["json"].as<bool>();
  if (variables["help"].as<bool>()) return options;
  Words words = strings(variables, "word");
  if (variables["version"].as<bool>()) {
    options.command = Command::kOwnVersion;
    return options;
  }
  if (words.empty()) throw_usage("a command is missing, such as: afxfwctl status");
  if (words.front() == "help") return options;

  const CommandWords& command = take_command(words);
  check_options(command, variables);
  options.command = command.command;
  if (has("file")) options.file = variables["file"].as<std::string>();
  if (has("for")) options.timeout_s = duration(variables, "for");
  if (has("comment")) options.comment = variables["comment"].as<std::string>();
  if (has("confirm")) options.confirm_s = duration(variables, "confirm");
  // afxfw has another working directory.
  if (has("rules")) options.rules = std::filesystem::absolute(variables["rules"].as<std::string>());
  if (options.command == Command::kCapture) options.capture = read_capture(variables);
  if (options.command == Command::kAdd || options.command == Command::kDelete) {
    read_elements(command, std::move(words), options);
    return options;
  }
  if (options.command == Command::kTop) read_top_options(variables, options);
  require_count(command, words, command.arguments.empty() ? 0 : 1);
  if (!words.empty()) options.set = words.front();
  return options;
}

void print_ctl_help(std::ostream& output) {
  output
      << "Usage: afxfwctl [--iface NAME] COMMAND [OPTIONS]\n\n"
         "Looks at a running afxfw and changes it while packets flow. It finds the only one that\n"
         "runs by itself.\n\nCommands:\n";
  const std::map<std::string_view, std::string_view> texts = {
      {"status", "queues and rates, what was dropped and why, sets, rules"},
      {"top", "a live screen: rates per queue, the busiest rules, whose packets are dropped"},
      {"list rules", "all rules with handles and counters"},
      {"list sets", "lists and sets with their sizes"},
      {"list set", "the elements of one, also blocklist and allowlist"},
      {"reset counters", "rules and elements count from 0 again"},
      {"block", "drop packets from these addresses or prefixes"},
      {"unblock", "take them off the blocklist, also if a file has them"},
      {"allow", "accept packets from these, whatever else is said"},
      {"unallow", "take them off the allowlist"},
      {"add element", "into a set of the rules, the blocklist or the allowlist"},
      {"delete element", "out of it"},
      {"flush set", "empty it; a reload brings the elements of files back"},
      {"reload", "read lists and rules again, all or nothing"},
      {"confirm", "keep what reload --confirm has put in force"},
      {"monitor", "print what happens as it does: changes, expiries, reloads, warnings"},
      {"capture", "write packets that workers judge, with their verdicts, to a pcapng file"},
      {"detach", "stop afxfw, which leaves the machine as it was"},
      {"version", "of afxfwctl and of the running afxfw"}};
  for (const CommandWords& each : kCommands) {
    output << fmt::format(
        "  {:<36}{}\n",
        fmt::format("{}{}{}", each.words, each.arguments.empty() ? "" : " ", each.arguments),
        texts.at(each.words));
  }
  output
      << "\n"
      << visible_options()
      << "\n"
         "Examples:\n"
         "  afxfwctl status\n"
         "  afxfwctl top\n"
         "  afxfwctl top --batch --times 1               once, as plain text\n"
         "  afxfwctl block 198.51.100.7 2001:db8:bad::/48 --for 10m --comment \"ssh guesses\"\n"
         "  afxfwctl block --file drop.netset            a list as FireHOL and Spamhaus have it\n"
         "  tail -F attackers | while read a; do afxfwctl block \"$a\" --for 1h; done\n"
         "  afxfwctl add element web '{ 192.0.2.1 . 443, 192.0.2.2 . 443 }'\n"
         "  afxfwctl list set blocklist\n"
         "  afxfwctl reload --rules new.nft --confirm 60s && afxfwctl confirm\n"
         "  afxfwctl capture --verdict drop -w dropped.pcapng\n"
         "  afxfwctl capture --filter 'tcp port 443' -w - | tcpdump -nr -\n"
         "\n"
         "Exit codes: 0 fine, 1 a failure, 2 bad usage, a bad element or file, 3 missing "
         "privilege.\n";
}

}  // namespace afxfw
