#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/control.h"
#include "app/event_loop.h"
#include "app/log_output.h"
#include "app/options.h"
#include "app/service_notifier.h"
#include "control/control_socket.h"
#include "control/metrics_server.h"
#include "control/metrics_text.h"
#include "engine/description.h"
#include "engine/engine.h"
#include "loading/rules_report.h"
#include "rules/rule_warnings.h"
#include "util/error.h"
#include "util/log.h"

namespace afxfw {

namespace {

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

/// What /healthz complains of: "" while all is well.
std::string sickness(const Engine& engine) {
  const std::vector<std::uint32_t>& stalled = engine.stalled_queues();
  if (stalled.empty()) return "";
  return fmt::format("the worker of queue {} hangs", fmt::join(stalled, ", "));
}

/// nullptr without --metrics.
std::unique_ptr<MetricsServer> serve_metrics(boost::asio::io_context& context,
                                             const AppOptions& options, const Engine& engine) {
  if (!options.metrics) return nullptr;
  return std::make_unique<MetricsServer>(
      context, *options.metrics,
      MetricsSource{[&engine] { return metrics_text(engine.snapshot(), AFXFW_VERSION); },
                    [&engine] { return sickness(engine); }});
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
  const auto metrics = serve_metrics(loop.context(), options, *engine);
  const ServiceNotifier notifier(loop.context(), *engine);
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
  set_up_log({});
  try {
    const AppOptions options = parse_options(argc, argv);
    set_up_log(options.log);
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
