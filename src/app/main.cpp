#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

#include "app/control.h"
#include "app/event_loop.h"
#include "app/options.h"
#include "control/control_socket.h"
#include "engine/description.h"
#include "engine/engine.h"
#include "loading/rules_report.h"
#include "rules/rule_warnings.h"
#include "util/error.h"
#include "util/log.h"

namespace afxfw {

namespace {

void write_log(LogLevel level, std::string_view line) {
  switch (level) {
    case LogLevel::kDebug:
      spdlog::debug("{}", line);
      break;
    case LogLevel::kInfo:
      spdlog::info("{}", line);
      break;
    case LogLevel::kWarn:
      spdlog::warn("{}", line);
      break;
    case LogLevel::kError:
      spdlog::error("{}", line);
      break;
  }
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

void set_up_log() {
  auto logger = spdlog::stderr_color_mt("afxfw");
  logger->set_pattern("afxfw: %^%l%$: %v");
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  set_log_sink(write_log);
}

void report(const RuleSet& rules, std::chrono::duration<double> load_time) {
  std::cout << rules_report(rules, load_time.count()) << std::flush;
  for (const std::string& warning : find_warnings(rules)) log_warn("{}", warning);
}

ExitCode check_rules(const AppOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto rules = load_rules(options.engine.rule_files, 1);
  report(*rules, std::chrono::steady_clock::now() - start);
  return ExitCode::kOk;
}

ExitCode dry_run(const AppOptions& options) {
  const Engine::Check check = Engine::check(options.engine);
  for (const std::string& warning : check.plan.warnings) log_warn("{}", warning);
  report(*check.rules, check.load_time);
  std::cout << '\n'
            << describe(check.plan, options.engine, *check.rules) << '\n'
            << "dry run: everything checked, nothing attached\n";
  return ExitCode::kOk;
}

ExitCode run(const AppOptions& options) {
  const SignalSource signals;
  ControlEndpoint endpoint = open_control(options);
  // JSON has stdout for itself.
  std::FILE* const packet_log = options.json ? stderr : stdout;
  const auto engine = Engine::start(options.engine, [packet_log](std::string_view lines) {
    std::fwrite(lines.data(), 1, lines.size(), packet_log);
    std::fflush(packet_log);
  });
  log_info("{}", engine->description());
  EventLoop loop(*engine, options, signals);
  // Servers are attached here, to the loop; they go before the engine does.
  const Control control(*engine, loop, std::move(endpoint));
  log_info("ready: filtering {}", options.engine.interface);
  return loop.run();
}

ExitCode dispatch(const AppOptions& options) {
  switch (options.command) {
    case AppOptions::Command::kHelp:
      print_help(std::cout);
      return ExitCode::kOk;
    case AppOptions::Command::kVersion:
      std::cout << "afxfw " AFXFW_VERSION "\n";
      return ExitCode::kOk;
    case AppOptions::Command::kCheck:
      return check_rules(options);
    case AppOptions::Command::kDryRun:
      return dry_run(options);
    case AppOptions::Command::kDetach:
      std::cout << Engine::detach(options.engine.interface) << '\n';
      remove_dead_control_sockets(options.engine.interface);
      return ExitCode::kOk;
    case AppOptions::Command::kRun:
      return run(options);
  }
  return ExitCode::kRuntime;
}

}  // namespace

/// What main() is, but for its name.
int run_program(int argc, const char* const* argv) {
  set_up_log();
  try {
    const AppOptions options = parse_options(argc, argv);
    spdlog::set_level(spdlog_level(options.log_level));
    return static_cast<int>(dispatch(options));
  } catch (const Error& error) {
    log_error("{}", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    log_error("{}", error.what());
    return static_cast<int>(ExitCode::kRuntime);
  }
}

}  // namespace afxfw

int main(int argc, char** argv) { return afxfw::run_program(argc, argv); }
