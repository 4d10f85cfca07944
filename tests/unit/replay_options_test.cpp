#include "app/replay_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

#include "app/progress_bar.h"
#include "util/error.h"

namespace afxfw {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ReplayAppOptions parse_arguments(std::initializer_list<const char*> arguments) {
  std::vector<const char*> argv{"afxfw-replay"};
  argv.insert(argv.end(), arguments);
  return parse_replay_options(static_cast<int>(argv.size()), argv.data());
}

std::string refused(std::initializer_list<const char*> arguments) {
  try {
    (void)parse_arguments(arguments);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return "";
}

TEST(ReplayAppOptions, Defaults) {
  const ReplayAppOptions options = parse_arguments({"trace.pcap"});
  EXPECT_EQ(options.command, ReplayAppOptions::Command::kRun);
  EXPECT_THAT(options.replay.captures, ElementsAre("trace.pcap"));
  EXPECT_EQ(options.inline_policy.drop_protocol[17], 1) << "all UDP, as in afxfw";
  EXPECT_FALSE(options.json);
  EXPECT_FALSE(options.explain);
  EXPECT_FALSE(options.capture_on_stdout());
}

TEST(ReplayAppOptions, TakesSeveralCapturesAnywhere) {
  const ReplayAppOptions options = parse_arguments(
      {"a.pcap", "-b", "one", "--blocklist=two", "-", "-a", "three", "--skip-bad-lines", "c.pcap"});
  EXPECT_THAT(options.replay.captures, ElementsAre("a.pcap", "-", "c.pcap"));
  EXPECT_THAT(options.rule_files.blocklists, ElementsAre("one", "two"));
  EXPECT_THAT(options.rule_files.allowlists, ElementsAre("three"));
  EXPECT_TRUE(options.rule_files.skip_bad_lines);
}

TEST(ReplayAppOptions, OutputsMayBeStandardOutput) {
  const ReplayAppOptions options = parse_arguments({"a.pcap", "-w", "-", "--write-dropped", "d"});
  EXPECT_EQ(options.replay.write_accepted, "-");
  EXPECT_EQ(options.replay.write_dropped, "d");
  EXPECT_TRUE(options.capture_on_stdout());
}

TEST(ReplayAppOptions, SaysWhatIsWrong) {
  EXPECT_THAT(refused({}), HasSubstr("name a capture"));
  EXPECT_THAT(refused({"-", "a.pcap", "-"}), HasSubstr("once"));
  EXPECT_THAT(refused({"a.pcap", "--inline-drop", "tpc"}), HasSubstr("unknown protocol"));
  EXPECT_THAT(refused({"a.pcap", "--write-accepted", ""}), HasSubstr("--write-accepted"));
  EXPECT_THAT(refused({"a.pcap", "--iface", "eth0"}), HasSubstr("iface"));
  EXPECT_THAT(refused({"a.pcap", "--expl"}), HasSubstr("expl")) << "no guessing";
}

TEST(ReplayAppOptions, HelpAndVersionNeedNoCapture) {
  EXPECT_EQ(parse_arguments({"--help"}).command, ReplayAppOptions::Command::kHelp);
  EXPECT_EQ(parse_arguments({"-V"}).command, ReplayAppOptions::Command::kVersion);
  std::ostringstream help;
  print_replay_help(help);
  EXPECT_THAT(help.str(), HasSubstr("--write-accepted"));
  EXPECT_EQ(help.str().find("--capture"), std::string::npos) << "it is positional";
}

TEST(ProgressLine, ShowsThePartThatIsDone) {
  EXPECT_EQ(progress_line({.bytes = 50, .of_bytes = 100, .packets = 1'234'567}, 2),
            "[###############               ]  50 %  1,234,567 packets  617 k/s");
  EXPECT_EQ(progress_line({.bytes = 150, .of_bytes = 100, .packets = 10}, 1),
            "[##############################] 100 %  10 packets  10/s")
      << "a file that grew";
  EXPECT_EQ(progress_line({.bytes = 50, .of_bytes = 0, .packets = 10}, 1), "10 packets  10/s")
      << "a pipe";
}

}  // namespace
}  // namespace afxfw
