#include "app/ctl_options.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "util/error.h"

namespace afxfw {
namespace {

using Command = CtlOptions::Command;
using Words = std::vector<std::string>;

CtlOptions parse(const Words& words) {
  std::vector<const char*> argv = {"afxfwctl"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return parse_ctl_options(static_cast<int>(argv.size()), argv.data());
}

std::string error_of(const Words& words) {
  try {
    static_cast<void>(parse(words));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "none";
}

TEST(CtlOptions, BlockTakesPrefixesWithATimeAndAComment) {
  const CtlOptions options = parse({"--iface", "eth0", "block", "192.0.2.1", "2001:db8::/32",
                                    "--for", "1h30m", "--comment", "x"});
  EXPECT_EQ(options.command, Command::kAdd);
  EXPECT_EQ(options.interface, "eth0");
  EXPECT_EQ(options.set, "blocklist");
  EXPECT_EQ(options.elements, (Words{"192.0.2.1", "2001:db8::/32"}));
  EXPECT_EQ(options.timeout_s, 5400U);
  EXPECT_EQ(options.comment, "x");
}

TEST(CtlOptions, EachListHasItsCommands) {
  EXPECT_EQ(parse({"unblock", "192.0.2.1"}).set, "blocklist");
  EXPECT_EQ(parse({"unblock", "192.0.2.1"}).command, Command::kDelete);
  EXPECT_EQ(parse({"allow", "192.0.2.1"}).set, "allowlist");
  EXPECT_EQ(parse({"allow", "192.0.2.1"}).command, Command::kAdd);
  EXPECT_EQ(parse({"unallow", "192.0.2.1"}).set, "allowlist");
  EXPECT_EQ(parse({"unallow", "192.0.2.1"}).command, Command::kDelete);
}

TEST(CtlOptions, ElementsMayBeInBracesOfOneWordOrOfMany) {
  const Words expected = {"192.0.2.1 . 80", "192.0.2.2 . 80"};
  EXPECT_EQ(parse({"add", "element", "s", "{ 192.0.2.1 . 80, 192.0.2.2 . 80 }"}).elements,
            expected);
  EXPECT_EQ(
      parse({"add", "element", "s", "{", "192.0.2.1", ".", "80,", "192.0.2.2", ".", "80", "}"})
          .elements,
      expected);
  EXPECT_EQ(parse({"delete", "element", "s", "192.0.2.1"}).set, "s");
}

TEST(CtlOptions, ElementsMayComeFromElsewhere) {
  EXPECT_EQ(parse({"block", "--file", "x"}).file, "x");
  EXPECT_EQ(parse({"block", "-"}).file, "-");
  EXPECT_TRUE(parse({"block", "-"}).elements.empty());
  EXPECT_EQ(parse({"add", "element", "s", "-f", "x"}).file, "x");
}

TEST(CtlOptions, AFileOfRulesIsNamedFromTheRoot) {
  EXPECT_EQ(parse({"reload", "--rules", "a.nft", "--confirm", "60s"}).rules,
            std::filesystem::current_path() / "a.nft");
  EXPECT_EQ(parse({"reload", "--confirm", "60"}).confirm_s, 60U);
}

TEST(CtlOptions, TopIsAScreenUnlessToldOtherwise) {
  const CtlOptions usual = parse({"top"});
  EXPECT_EQ(usual.command, Command::kTop);
  EXPECT_EQ(usual.top.interval, std::chrono::seconds(1));
  EXPECT_EQ(usual.top.count, 10U);
  EXPECT_FALSE(usual.batch);
  const CtlOptions options =
      parse({"top", "--interval", "0.25", "--count", "3", "--batch", "-n", "2"});
  EXPECT_EQ(options.top.interval, std::chrono::milliseconds(250));
  EXPECT_EQ(options.top.count, 3U);
  EXPECT_TRUE(options.batch);
  EXPECT_EQ(options.times, 2U);
}

TEST(CtlOptions, TopIsBounded) {
  for (const char* interval : {"0", "0.09", "30.1", "nan"}) {
    EXPECT_NE(error_of({"top", "--interval", interval}).find("must be 0.1 to 30 seconds"),
              std::string::npos)
        << interval;
  }
  EXPECT_NE(error_of({"top", "--count", "0"}).find("must be 1 to 1000"), std::string::npos);
  EXPECT_NE(error_of({"top", "--count", "1001"}).find("must be 1 to 1000"), std::string::npos);
  EXPECT_NE(error_of({"top", "-n", "2"}).find("--times is for top --batch"), std::string::npos);
}

TEST(CtlOptions, WhatDoesNotBelongIsAnError) {
  EXPECT_NE(error_of({}).find("a command is missing"), std::string::npos);
  EXPECT_NE(error_of({"blok"}).find("there is no command 'blok'"), std::string::npos);
  EXPECT_NE(error_of({"list"}).find("afxfwctl list sets"), std::string::npos);
  EXPECT_NE(error_of({"block"}).find("expected: afxfwctl block PREFIX"), std::string::npos);
  EXPECT_NE(error_of({"add", "element"}).find("expected: afxfwctl add element SET"),
            std::string::npos);
  EXPECT_NE(error_of({"status", "more"}).find("expected: afxfwctl status"), std::string::npos);
  EXPECT_NE(error_of({"reload", "--for", "1s"}).find("has no option --for"), std::string::npos);
  EXPECT_NE(error_of({"block", "192.0.2.1", "--for", "0"}).find("--for is '0'"), std::string::npos);
  EXPECT_NE(error_of({"block", "192.0.2.1", "--for", "4000d"}).find("--for is '4000d'"),
            std::string::npos);
  EXPECT_NE(error_of({"status", "--unknown"}), "none");
  EXPECT_NE(error_of({"status", "--batch"}).find("has no option --batch"), std::string::npos);
}

TEST(CtlOptions, HelpNamesEveryOption) {
  std::ostringstream help;
  print_ctl_help(help);
  for (const char* option :
       {"--iface", "--socket", "--json", "--for", "--comment", "--file", "--rules", "--confirm",
        "--interval", "--count", "--batch", "--times", "--version", "--help"}) {
    EXPECT_NE(help.str().find(option), std::string::npos) << option;
  }
}

TEST(CtlOptions, CaptureTakesAFileAndWhatToCapture) {
  const CtlOptions plain = parse({"capture", "-w", "x.pcapng"});
  EXPECT_EQ(plain.command, Command::kCapture);
  EXPECT_EQ(plain.capture.file, "x.pcapng");
  EXPECT_EQ(plain.capture.verdict, protocol::CapturedVerdict::kAll);
  EXPECT_EQ(plain.capture.filter, "");
  EXPECT_FALSE(plain.capture.count);
  EXPECT_EQ(plain.capture.snap_length, 65'535U);
  const CtlOptions all = parse({"capture", "-w", "-", "--verdict", "drop", "--filter",
                                "tcp port 80", "-c", "10", "--snaplen", "96"});
  EXPECT_EQ(all.capture.file, "-");
  EXPECT_EQ(all.capture.verdict, protocol::CapturedVerdict::kDrop);
  EXPECT_EQ(all.capture.filter, "tcp port 80");
  EXPECT_EQ(all.capture.count, 10U);
  EXPECT_EQ(all.capture.snap_length, 96U);
}

TEST(CtlOptions, CaptureSaysWhatIsWrong) {
  EXPECT_NE(error_of({"capture"}).find("capture needs --write FILE"), std::string::npos);
  for (const Words& more : std::vector<Words>{{"--verdict", "reject"},
                                              {"-c", "0"},
                                              {"-c", "x"},
                                              {"--snaplen", "0"},
                                              {"--snaplen", "65536"},
                                              {"--json"},
                                              {"more"}}) {
    Words words = {"capture", "-w", "-"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_NE(error_of(words), "none") << more.front();
  }
  EXPECT_NE(error_of({"status", "-w", "x"}).find("has no option --write"), std::string::npos);
}

}  // namespace
}  // namespace afxfw
