#include "app/log_output.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "app/log_text.h"

namespace afxfw {

namespace {

constexpr const char* kName = "afxfw";

/// Where sd_journal_send() sends to; without it, it does nothing and says so to
/// nobody.
constexpr const char* kJournalSocket = "/run/systemd/journal/socket";

spdlog::level::level_enum to_spdlog(LogLevel level) {
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

LogLevel from_spdlog(spdlog::level::level_enum level) {
  if (level <= spdlog::level::debug) return LogLevel::kDebug;
  if (level == spdlog::level::info) return LogLevel::kInfo;
  return level == spdlog::level::warn ? LogLevel::kWarn : LogLevel::kError;
}

/// A log that cannot be written must not end the firewall.
void write_to_stderr(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

/// What the sinks of our own have in common.
class Sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit Sink(std::string interface) : interface_(std::move(interface)) {}

 protected:
  virtual void write(const LogContext& context, std::string_view message) = 0;

 private:
  void sink_it_(const spdlog::details::log_msg& message) final {
    write({from_spdlog(message.level), message.time, interface_},
          {message.payload.data(), message.payload.size()});
  }
  void flush_() final {}

  std::string interface_;
};

class JsonSink : public Sink {
 public:
  using Sink::Sink;

 private:
  void write(const LogContext& context, std::string_view message) override {
    write_to_stderr(log_json(context, message) + '\n');
  }
};

class JournalSink : public Sink {
 public:
  using Sink::Sink;

 private:
  void write(const LogContext& context, std::string_view message) override {
    if (access(kJournalSocket, F_OK) == 0 && send(context, message)) return;
    write_to_stderr(log_with_priority(context.level, message));
  }

  static bool send(const LogContext& context, std::string_view message) {
    const int length = static_cast<int>(message.size());
    const int interface_length = static_cast<int>(context.interface.size());
    return sd_journal_send("MESSAGE=%.*s", length, message.data(), "PRIORITY=%d",
                           syslog_priority(context.level), "SYSLOG_IDENTIFIER=%s", kName,
                           "AFXFW_INTERFACE=%.*s", interface_length, context.interface.data(),
                           nullptr) == 0;
  }
};

spdlog::sink_ptr make_sink(const LogOptions& options) {
  switch (options.format) {
    case LogFormat::kText:
      break;
    case LogFormat::kJson:
      return std::make_shared<JsonSink>(options.interface);
    case LogFormat::kJournald:
      return std::make_shared<JournalSink>(options.interface);
  }
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  sink->set_pattern("afxfw: %^%l%$: %v");
  return sink;
}

void write_log(LogLevel level, std::string_view line) {
  spdlog::default_logger_raw()->log(to_spdlog(level), "{}", line);
}

}  // namespace

void set_up_log(const LogOptions& options) {
  auto logger = std::make_shared<spdlog::logger>(kName, make_sink(options));
  logger->set_level(to_spdlog(options.level));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  set_log_sink(write_log);
}

}  // namespace afxfw
