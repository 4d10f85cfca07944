#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "app/ctl_capture.h"
#include "app/ctl_options.h"
#include "ctl/connection.h"
#include "ctl/element_words.h"
#include "ctl/instances.h"
#include "ctl/text.h"
#include "ctl/top.h"
#include "rules/list_parser.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"
#include "util/json.h"

namespace afxfw {

namespace {

using Command = CtlOptions::Command;
using protocol::Request;

constexpr const char* kDirectory = "/run/afxfw";
/// For afxfw to let its workers finish and to put everything back.
constexpr int kDetachMs = 30'000;

void print(const std::string& text) { std::cout << text << std::flush; }

void show(const CtlOptions& options, const Json& answer, std::string (*text)(const Json&)) {
  print(options.json ? json_text(answer) + "\n" : text(answer));
}

std::string read_input(const std::string& file) {
  if (file != "-") return read_file(file);
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

bool is_list(const std::string& set) {
  return set == protocol::kBlocklist || set == protocol::kAllowlist;
}

/// What to add or delete, checked as far as it can be here, where lines have numbers.
std::vector<std::string> elements_of(const CtlOptions& options) {
  std::vector<std::string> elements = options.elements;
  const std::string name = options.file == "-" ? "standard input" : options.file.value_or("");
  if (!is_list(options.set)) {
    if (options.file) {
      auto more = element_lines(read_input(*options.file));
      std::move(more.begin(), more.end(), std::back_inserter(elements));
    }
    return elements;
  }
  std::string given;
  for (const std::string& element : elements) given += element + "\n";
  TextErrors errors;
  std::vector<std::string> prefixes;
  std::size_t host_bits = 0;
  const auto parse = [&](const std::string& text, const std::string& source) {
    auto list = parse_list(text, source);
    if (!list) return errors.append(std::move(list.error()));
    for (const Prefix& prefix : list->prefixes) prefixes.push_back(to_string(prefix));
    host_bits += list->host_bits_lines;
  };
  parse(given, "argument");
  if (options.file) parse(read_input(*options.file), name);
  if (!errors.empty()) throw Error(to_string(errors), ExitCode::kUsage);
  if (host_bits != 0) {
    std::cerr << fmt::format(
        "afxfwctl: {} of them had bits set beyond the prefix length: the whole network was taken\n",
        host_bits);
  }
  return prefixes;
}

/// How many of the elements from `first` on one request can hold.
std::size_t count_for_request(const std::vector<std::string>& elements, std::size_t first) {
  // Quotes, a comma, and as much again for what JSON escapes.
  constexpr std::size_t kMostBytes = protocol::kMaxRequestBytes / 2;
  constexpr std::size_t kPunctuation = 3;
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (first + count < elements.size() && count < protocol::kMaxElements) {
    bytes += elements[first + count].size() + kPunctuation;
    if (count != 0 && bytes > kMostBytes) break;
    ++count;
  }
  return count;
}

ControlConnection connect(const CtlOptions& options) {
  return ControlConnection(options.socket.empty() ? choose_socket(kDirectory, options.interface)
                                                  : options.socket);
}

/// All of them, a request at a time.
ExitCode change(ControlConnection& connection, const CtlOptions& options) {
  const std::vector<std::string> elements = elements_of(options);
  const bool add = options.command == Command::kAdd;
  std::uint64_t changed = 0;
  std::vector<std::string> notes;
  std::size_t count = 0;
  for (std::size_t done = 0; done < elements.size(); done += count) {
    Request request{.command =
                        add ? protocol::Command::kAddElements : protocol::Command::kDeleteElements};
    request.set = options.set;
    const auto first = elements.begin() + static_cast<std::ptrdiff_t>(done);
    count = count_for_request(elements, done);
    request.elements.assign(first, first + static_cast<std::ptrdiff_t>(count));
    request.timeout_s = options.timeout_s;
    request.comment = options.comment;
    const Json answer = connection.require(request);
    changed += answer.value("changed", std::uint64_t{0});
    for (const Json& note : answer.value("notes", Json::array())) notes.push_back(note);
  }
  const std::string what = changed == 1 && elements.size() == 1
                               ? elements.front()
                               : fmt::format("{} element{}", changed, changed == 1 ? "" : "s");
  print(fmt::format("{} {} {}{}\n", what, add ? "added to" : "deleted from", options.set,
                    options.timeout_s ? " for " + duration_text(*options.timeout_s) : ""));
  for (const std::string& note : notes) print(fmt::format("note: {}\n", note));
  return ExitCode::kOk;
}

ExitCode list_set(ControlConnection& connection, const CtlOptions& options) {
  Request request{.command = protocol::Command::kListSet};
  request.set = options.set;
  Json set = connection.require(request);
  while (set.contains("next_offset")) {
    request.offset = set["next_offset"].get<std::uint64_t>();
    Json page = connection.require(request);
    for (Json& element : page["elements"]) set["elements"].push_back(std::move(element));
    set.erase("next_offset");
    if (page.contains("next_offset")) set["next_offset"] = page["next_offset"];
  }
  show(options, set, set_text);
  return ExitCode::kOk;
}

ExitCode reload(ControlConnection& connection, const CtlOptions& options) {
  Request request{.command = protocol::Command::kReload};
  request.rules = options.rules;
  request.confirm_s = options.confirm_s;
  static_cast<void>(connection.require(request));
  print("lists and rules read again\n");
  if (options.confirm_s) {
    print(fmt::format("going back in {} unless you run: afxfwctl confirm\n",
                      duration_text(*options.confirm_s)));
  }
  return ExitCode::kOk;
}

ExitCode monitor(ControlConnection& connection, const CtlOptions& options) {
  connection.send({.command = protocol::Command::kMonitor});
  for (bool first = true;; first = false) {
    const auto line = connection.read_line(std::nullopt);
    if (!line) throw Error("afxfw has ended");
    const protocol::Response response = protocol::parse_response(*line);
    if (!response) throw Error(response.error().message, exit_code(response.error().code));
    if (!first) show(options, *response, event_text);
  }
}

ExitCode detach(ControlConnection& connection) {
  const pid_t pid = connection.server_pid();
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const Json answer = connection.require({.command = protocol::Command::kDetach});
  const std::string interface = answer.value("interface", "");
  pollfd ended{process.get(), POLLIN, 0};
  if (process && poll(&ended, 1, kDetachMs) == 0) {
    throw Error(fmt::format("{}: afxfw (pid {}) was told to stop and still runs", interface, pid));
  }
  print(fmt::format("{}: detached, the machine is as it was\n", interface));
  return ExitCode::kOk;
}

ExitCode version(ControlConnection& connection, const CtlOptions& options) {
  const Json answer = connection.require({.command = protocol::Command::kVersion});
  if (options.json) {
    print(json_text(answer) + "\n");
  } else {
    print(fmt::format("afxfwctl {}\nafxfw {} on {} (pid {})\n", AFXFW_VERSION,
                      answer.value("version", ""), answer.value("interface", ""),
                      answer.value("pid", 0)));
  }
  return ExitCode::kOk;
}

ExitCode top(ControlConnection& connection, const CtlOptions& options) {
  if (options.batch || options.json) {
    print_top(connection, options.top,
              {.json = options.json, .times = options.times, .write = print});
  } else {
    run_top(connection, options.top);
  }
  return ExitCode::kOk;
}

ExitCode run(const CtlOptions& options) {
  if (options.command == Command::kHelp) {
    print_ctl_help(std::cout);
    return ExitCode::kOk;
  }
  if (options.command == Command::kOwnVersion) {
    print("afxfwctl " AFXFW_VERSION "\n");
    return ExitCode::kOk;
  }
  if (options.command == Command::kCapture)
    return capture([&options] { return connect(options); }, options.capture);
  ControlConnection connection = connect(options);
  switch (options.command) {
    case Command::kStatus:
      show(options, connection.require({.command = protocol::Command::kStatus}), status_text);
      return ExitCode::kOk;
    case Command::kTop:
      return top(connection, options);
    case Command::kListRules:
      show(options, connection.require({.command = protocol::Command::kListRules}), rules_text);
      return ExitCode::kOk;
    case Command::kListSets:
      show(options, connection.require({.command = protocol::Command::kListSets}), sets_text);
      return ExitCode::kOk;
    case Command::kListSet:
      return list_set(connection, options);
    case Command::kResetCounters:
      static_cast<void>(connection.require({.command = protocol::Command::kResetCounters}));
      print("the counters of rules and elements start from 0 again\n");
      return ExitCode::kOk;
    case Command::kAdd:
    case Command::kDelete:
      return change(connection, options);
    case Command::kFlush: {
      Request request{.command = protocol::Command::kFlushSet};
      request.set = options.set;
      static_cast<void>(connection.require(request));
      print(fmt::format("{} is empty\n", options.set));
      return ExitCode::kOk;
    }
    case Command::kReload:
      return reload(connection, options);
    case Command::kConfirm:
      static_cast<void>(connection.require({.command = protocol::Command::kConfirm}));
      print("confirmed: the reload stays\n");
      return ExitCode::kOk;
    case Command::kMonitor:
      return monitor(connection, options);
    case Command::kDetach:
      return detach(connection);
    case Command::kVersion:
      return version(connection, options);
    case Command::kHelp:
    case Command::kOwnVersion:
    case Command::kCapture:
      break;
  }
  return ExitCode::kOk;
}

}  // namespace

/// What main() is, but for its name.
int run_ctl(int argc, const char* const* argv) {
  try {
    return static_cast<int>(run(parse_ctl_options(argc, argv)));
  } catch (const Error& error) {
    std::cerr << "afxfwctl: " << error.what() << '\n';
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cerr << "afxfwctl: " << error.what() << '\n';
    return static_cast<int>(ExitCode::kRuntime);
  }
}

}  // namespace afxfw

int main(int argc, char** argv) { return afxfw::run_ctl(argc, argv); }
