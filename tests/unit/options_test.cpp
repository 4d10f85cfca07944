#include "app/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

#include "util/error.h"

namespace afxfw {
namespace {

AppOptions parse_arguments(std::initializer_list<const char*> arguments) {
  std::vector<const char*> argv{"afxfw"};
  argv.insert(argv.end(), arguments);
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

/// The error that the arguments give.
Error refused(std::initializer_list<const char*> arguments) {
  try {
    (void)parse_arguments(arguments);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted";
  return Error("accepted");
}

/// A config file for one test.
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) {
    const int file = mkstemp(path_);
    EXPECT_EQ(write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(file);
  }
  ~ConfigFile() { std::remove(path_); }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  [[nodiscard]] const char* path() const { return path_; }

 private:
  char path_[32] = "/tmp/afxfw-options-XXXXXX";
};

TEST(Options, Defaults) {
  const AppOptions options = parse_arguments({});
  EXPECT_EQ(options.command, AppOptions::Command::kRun);
  EXPECT_EQ(options.engine.interface, "eth0");
  EXPECT_FALSE(options.engine.queues.has_value());
  EXPECT_EQ(options.engine.mode, XdpModeRequest::kAuto);
  EXPECT_EQ(options.engine.inline_policy.fallback, AFXFW_FALLBACK_PASS);
  EXPECT_EQ(options.engine.inline_policy.drop_protocol[17], 1) << "all UDP";
  EXPECT_EQ(options.engine.reinject.kind, ReinjectOption::Kind::kStack);
}

TEST(Options, TheUsualCall) {
  const AppOptions options = parse_arguments({"--iface", "ens3", "--queues", "8"});
  EXPECT_EQ(options.engine.interface, "ens3");
  EXPECT_EQ(options.engine.queues, 8U);
}

TEST(Options, ListsMayBeRepeated) {
  const AppOptions options = parse_arguments({"--blocklist", "a", "--blocklist=b", "-a", "c"});
  EXPECT_EQ(options.engine.rule_files.blocklists, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.engine.rule_files.allowlists, (std::vector<std::string>{"c"}));
}

TEST(Options, ReinjectionTargets) {
  using Kind = ReinjectOption::Kind;
  EXPECT_EQ(parse_arguments({"--reinject", "none"}).engine.reinject.kind, Kind::kNone);
  EXPECT_EQ(parse_arguments({"--reinject", "tx"}).engine.reinject.kind, Kind::kTx);
  const ReinjectOption device = parse_arguments({"--reinject", "dev:eth1"}).engine.reinject;
  EXPECT_EQ(device.kind, Kind::kDevice);
  EXPECT_EQ(device.device, "eth1");
  EXPECT_EQ(refused({"--reinject", "dev:"}).code(), ExitCode::kUsage);
}

TEST(Options, TheFastPathIsForTheStackOnly) {
  EXPECT_EQ(parse_arguments({}).engine.fast_path_flows, 0U);
  EXPECT_EQ(parse_arguments({"--fast-path"}).engine.fast_path_flows, 65536U);
  EXPECT_EQ(parse_arguments({"--fast-path", "--fast-path-flows", "2048"}).engine.fast_path_flows,
            2048U);
  EXPECT_EQ(parse_arguments({"--fast-path-flows", "2048"}).engine.fast_path_flows, 0U);
  for (const char* target : {"none", "tx", "dev:eth1"}) {
    const Error error = refused({"--fast-path", "--reinject", target});
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_THAT(error.what(), testing::HasSubstr("--reinject stack"));
  }
  EXPECT_THAT(refused({"--fast-path-flows", "10"}).what(), testing::HasSubstr("from 1024"));
}

TEST(Options, TheFastPathAndALogOfWhatIsAcceptedExcludeEachOther) {
  for (const char* what : {"accept", "all"}) {
    EXPECT_THAT(refused({"--fast-path", "--log-packets", what}).what(),
                testing::HasSubstr("--log-packets drop"));
  }
  EXPECT_NE(parse_arguments({"--fast-path", "--log-packets", "drop"}).engine.fast_path_flows, 0U);
}

TEST(Options, PushDown) {
  EXPECT_EQ(parse_arguments({}).engine.push_down, 0U);
  EXPECT_EQ(parse_arguments({"--push-down", "1000", "--reinject", "none"}).engine.push_down, 1000U);
  EXPECT_EQ(refused({"--push-down", "10001"}).code(), ExitCode::kUsage);
}

TEST(Options, Coalesce) {
  EXPECT_EQ(parse_arguments({}).engine.coalesce, std::chrono::microseconds(0));
  EXPECT_EQ(parse_arguments({"--coalesce", "50"}).engine.coalesce, std::chrono::microseconds(50));
  EXPECT_EQ(refused({"--coalesce", "1001"}).code(), ExitCode::kUsage);
  EXPECT_THAT(refused({"--coalesce", "50", "--busy-poll"}).what(),
              testing::HasSubstr("one of them"));
}

TEST(Options, OffloadSaysWhyNot) {
  const Error error = refused({"--mode", "offload"});
  EXPECT_EQ(error.code(), ExitCode::kUnsupported);
  EXPECT_NE(std::string(error.what()).find("cannot redirect to a socket"), std::string::npos);
}

TEST(Options, CommandLineWinsOverTheConfigFile) {
  const ConfigFile file("iface = ens5\nqueues = 4\nblocklist = one\nblocklist = two\n");
  const AppOptions options = parse_arguments({"--config", file.path(), "--queues", "2"});
  EXPECT_EQ(options.engine.interface, "ens5");
  EXPECT_EQ(options.engine.queues, 2U);
  EXPECT_EQ(options.engine.rule_files.blocklists, (std::vector<std::string>{"one", "two"}));
}

TEST(Options, TheLastConfigFileWinsAndListsAddUp) {
  const ConfigFile common("queues = 4\nblocklist = one\nmode = generic\n");
  const ConfigFile own("queues = 2\nblocklist = two\n");
  const AppOptions options = parse_arguments({"--config", common.path(), "--config", own.path()});
  EXPECT_EQ(options.engine.queues, 2U);
  EXPECT_EQ(options.engine.mode, XdpModeRequest::kGeneric);
  EXPECT_THAT(options.engine.rule_files.blocklists, testing::UnorderedElementsAre("one", "two"));
}

TEST(Options, AConfigFileBehindADashMayBeMissing) {
  const ConfigFile there("queues = 4\n");
  const std::string optional = std::string("--config=-") + there.path();
  EXPECT_EQ(parse_arguments({optional.c_str()}).engine.queues, 4U);
  EXPECT_FALSE(parse_arguments({"--config=-/nonexistent/afxfw.conf"}).engine.queues.has_value());
}

TEST(Options, LogFormatAndMetrics) {
  EXPECT_EQ(parse_arguments({}).log.format, LogFormat::kText);
  EXPECT_FALSE(parse_arguments({}).metrics.has_value());
  const AppOptions options =
      parse_arguments({"--log-format", "json", "--metrics", "[::1]:9469", "--iface", "ens3"});
  EXPECT_EQ(options.log.format, LogFormat::kJson);
  EXPECT_EQ(options.log.interface, "ens3");
  EXPECT_EQ(options.metrics->port(), 9469);
}

TEST(Options, UnknownNameInTheConfigFileIsAnErrorWithTheFile) {
  const ConfigFile file("ifcae = ens5\n");
  const Error error = refused({"--config", file.path()});
  EXPECT_EQ(error.code(), ExitCode::kUsage);
  EXPECT_NE(std::string(error.what()).find(file.path()), std::string::npos) << error.what();
  EXPECT_NE(std::string(error.what()).find("ifcae"), std::string::npos) << error.what();
}

class BadArguments : public testing::TestWithParam<std::pair<const char*, const char*>> {};
INSTANTIATE_TEST_SUITE_P(
    Options, BadArguments,
    testing::Values(std::pair{"--queues", "0"}, std::pair{"--queues", "-1"},
                    std::pair{"--queues", "eight"}, std::pair{"--mode", "fast"},
                    std::pair{"--zero-copy", "yes"}, std::pair{"--inline-drop", "udp/99999"},
                    std::pair{"--on-failure", "panic"}, std::pair{"--reinject", "eth1"},
                    std::pair{"--cpus", "2-"}, std::pair{"--batch", "0"},
                    std::pair{"--batch", "257"}, std::pair{"--batch", "-1"},
                    std::pair{"--ring-size", "1000"}, std::pair{"--ring-size", "32"},
                    std::pair{"--frames", "0"}, std::pair{"--stats-interval", "-1"},
                    std::pair{"--stats-interval", "nan"}, std::pair{"--duration", "inf"},
                    std::pair{"--log-packets", "some"}, std::pair{"--log-level", "loud"},
                    std::pair{"--log-format", "xml"}, std::pair{"--metrics", "9469"},
                    std::pair{"--config", "/nonexistent/afxfw.conf"}, std::pair{"--que", "8"},
                    std::pair{"--nonsense", "1"}));

TEST_P(BadArguments, AreUsageErrorsThatNameTheOption) {
  const Error error = refused({GetParam().first, GetParam().second});
  EXPECT_EQ(error.code(), ExitCode::kUsage);
  const std::string option = std::string(GetParam().first).substr(2);
  EXPECT_NE(std::string(error.what()).find(option), std::string::npos) << error.what();
}

}  // namespace
}  // namespace afxfw
