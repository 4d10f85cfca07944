#include "loading/state_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace afxfw {
namespace {

Prefix prefix(const std::string& text) { return parse_prefix(text)->prefix; }

RunTimeNote note(std::uint64_t timeout_s, std::uint64_t expires_ms, const std::string& comment) {
  return {.timeout_s = timeout_s, .expires_ms = expires_ms, .comment = comment};
}

constexpr StateClock kWritten{.now_ms = 5'000, .unix_ms = 1'700'000'000'000};

RunTimeChanges example() {
  RunTimeChanges changes;
  changes.block.present = true;
  changes.block.changes.add(prefix("198.51.100.0/24"), {});
  changes.block.changes.remove(prefix("198.51.100.7"));
  changes.block.changes.add(prefix("2001:db8::1"), note(60, 65'000, "\"quoted\", \xc3\xa4\n"));
  RunTimeSet set("ipv6_addr . inet_service");
  set.add({{prefix("2001:db8::1").first(), prefix("2001:db8::1").first()}, {443, 443}}, {});
  set.remove({{0, nft::largest(128)}, {0, 65535}});
  changes.sets["pairs"] = set;
  return changes;
}

TEST(StateFile, GivesBackWhatWasWritten) {
  const std::string text = format_state(example(), kWritten);
  const auto read = parse_state(text, kWritten);
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_FALSE(read->allow.present);
  EXPECT_TRUE(read->block.present);
  EXPECT_EQ(read->block.changes.entries().size(), 3U);
  EXPECT_EQ(read->block.changes.entries().at(prefix("2001:db8::1")).note,
            note(60, 65'000, "\"quoted\", \xc3\xa4\n"));
  EXPECT_EQ(read->block.changes.entries().at(prefix("198.51.100.7")).kind,
            PrefixChange::Kind::kRemove);
  ASSERT_EQ(read->sets.size(), 1U);
  EXPECT_EQ(read->sets.at("pairs").type(), "ipv6_addr . inet_service");
  EXPECT_EQ(read->sets.at("pairs").entries().size(), 2U);
  // The order too, and everything else: written again it is the same text.
  EXPECT_EQ(format_state(*read, kWritten), text);
}

TEST(StateFile, ElementsHaveWhatIsLeftOfTheirTime) {
  // Ten seconds later, in another process whose clock began anew.
  const StateClock later{.now_ms = 100, .unix_ms = kWritten.unix_ms + 10'000};
  const auto read = parse_state(format_state(example(), kWritten), later);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->block.changes.entries().at(prefix("2001:db8::1")).note.expires_ms, 50'100U);
}

TEST(StateFile, LeavesOutWhatIsOver) {
  const StateClock later{.now_ms = 100, .unix_ms = kWritten.unix_ms + 60'000};
  const auto read = parse_state(format_state(example(), kWritten), later);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->block.changes.entries().size(), 2U);
}

TEST(StateFile, SaysWhichLineIsWrong) {
  const std::string start = "{\"afxfw_state\":1}\n";
  const auto error = [](const std::string& text) {
    const auto read = parse_state(text, kWritten);
    return read ? "none" : read.error();
  };
  EXPECT_EQ(error(start), "none");
  EXPECT_EQ(error(""), "none");
  EXPECT_NE(error("rubbish\n").find("line 1: this is no JSON object"), std::string::npos);
  for (const char* version : {"2", "222222222222222222222222", "1.5", "\"1\"", "null"}) {
    EXPECT_NE(error(fmt::format("{{\"afxfw_state\":{}}}\n", version)).find("line 1"),
              std::string::npos)
        << version;
  }
  EXPECT_NE(error(start + "{\"add\":\"192.0.2.1\"}\n").find("line 2: no list"), std::string::npos);
  EXPECT_NE(error(start + "{\"list\":\"nope\"}\n").find("line 2"), std::string::npos);
  const std::string list = start + "{\"list\":\"blocklist\"}\n";
  for (const char* wrong :
       {"{\"add\":1}", R"({"add":"x"})", "{}", R"({"add":"192.0.2.1","timeout_s":"1"})",
        R"({"add":"192.0.2.1","timeout_s":17000000000000000000000000})",
        R"({"add":"192.0.2.1","expires_unix_ms":-1.5})"}) {
    EXPECT_NE(error(list + wrong).find("line 3"), std::string::npos) << wrong;
  }
  const std::string set = start + "{\"set\":\"s\",\"type\":\"ipv4_addr\"}\n";
  for (const char* wrong : {"{\"add\":[]}", R"({"add":[["0:1"]]})", R"({"add":[["0:2","0:1"]]})",
                            R"({"add":[["1","1"]]})", R"({"add":[["0:x","0:1"]]})"}) {
    EXPECT_NE(error(set + wrong).find("line 3"), std::string::npos) << wrong;
  }
}

}  // namespace
}  // namespace afxfw
