#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include "app/progress_bar.h"
#include "app/replay_options.h"
#include "loading/rule_loader.h"
#include "replay/explanation.h"
#include "replay/report.h"
#include "util/error.h"
#include "util/log.h"
#include "util/printable.h"

namespace afxfw {

namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

/// A line or several, of which nothing but the line ends gets to the terminal unseen.
void complain(std::string_view kind, std::string_view text) {
  std::string out = fmt::format("afxfw-replay: {}", kind);
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    out += printable(text.substr(start, end - start)) + '\n';
    start = end + 1;
  }
  std::fwrite(out.data(), 1, out.size(), stderr);
}

void write_log(LogLevel level, std::string_view line) {
  if (level >= LogLevel::kWarn) complain("warning: ", line);
}

void set_up_signals() {
  struct sigaction action = {};
  // Without SA_RESTART, so that waiting for standard input ends too.
  action.sa_handler = [](int) { stop_requested.store(true); };
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
  // Files in the making are removed on the way out, which takes an error rather than a signal.
  ::signal(SIGPIPE, SIG_IGN);
}

/// Where results go.
class Output {
 public:
  explicit Output(std::FILE* stream) : stream_(stream) {}

  [[nodiscard]] bool is_terminal() const { return ::isatty(fileno(stream_)) == 1; }

  void write(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stream_) != text.size()) fail();
  }
  void flush() {
    if (std::fflush(stream_) != 0) fail();
  }

 private:
  [[noreturn]] static void fail() {
    // Whoever read it has seen enough: no reason to complain.
    throw Error(errno == EPIPE ? "" : errno_error("cannot write the results", errno).what());
  }
  std::FILE* stream_;
};

ExitCode warn_of(const ReplayResult& result) {
  for (const FileResult& file : result.files) {
    if (file.damage.empty() || result.interrupted) continue;
    complain("warning: ", fmt::format("'{}' breaks off after {} packets, which were counted: {}",
                                      file.name, file.all.packets, file.damage));
  }
  if (result.interrupted) complain("warning: ", "interrupted; the counts are those so far");
  return result.complete() ? ExitCode::kOk : ExitCode::kRuntime;
}

ExitCode run(const ReplayAppOptions& options) {
  if (options.capture_on_stdout() && ::isatty(STDOUT_FILENO) == 1) {
    throw Error("a capture is not for a terminal: redirect standard output", ExitCode::kUsage);
  }
  const auto rules = load_rules(options.rule_files, 1);
  const Filter filter{*rules, options.inline_policy};
  Output output(options.capture_on_stdout() ? stderr : stdout);
  ProgressBar bar(!(options.explain && output.is_terminal()));

  ReplayCallbacks callbacks;
  callbacks.progress = [&](const ReplayProgress& progress) {
    bar.update(progress);
    return !stop_requested.load();
  };
  if (options.explain) {
    callbacks.packet = [&](const JudgedPacket& packet) {
      if (!options.json && options.replay.captures.size() > 1 && packet.number == 1) {
        output.write(printable(packet.file.name) + ":\n");
      }
      output.write((options.json ? explain_json : explain)(packet, filter) + '\n');
    };
  }
  const ReplayResult result = replay(filter, options.replay, callbacks);
  bar.clear();
  if (options.explain && !options.json) output.write("\n");
  output.write(options.json ? report_json(result, filter) + '\n' : report_table(result, filter));
  output.flush();
  return warn_of(result);
}

ExitCode dispatch(const ReplayAppOptions& options) {
  switch (options.command) {
    case ReplayAppOptions::Command::kHelp:
      print_replay_help(std::cout);
      return ExitCode::kOk;
    case ReplayAppOptions::Command::kVersion:
      std::cout << "afxfw-replay " AFXFW_VERSION "\n";
      return ExitCode::kOk;
    case ReplayAppOptions::Command::kRun:
      return run(options);
  }
  return ExitCode::kRuntime;
}

/// What main() is, but for its name.
int run_replay(int argc, const char* const* argv) {
  set_up_signals();
  set_log_sink(write_log);
  try {
    return static_cast<int>(dispatch(parse_replay_options(argc, argv)));
  } catch (const Error& error) {
    if (*error.what() != '\0') complain("", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    complain("", error.what());
    return static_cast<int>(ExitCode::kRuntime);
  }
}

}  // namespace

}  // namespace afxfw

int main(int argc, char** argv) { return afxfw::run_replay(argc, argv); }
