#include "app/log_text.h"

#include <gtest/gtest.h>

#include "util/json.h"

namespace afxfw {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using std::chrono::system_clock;

// 1700000000 is 2023-11-14T22:13:20Z, by date -u -d @1700000000.
constexpr system_clock::time_point kTime{seconds(1'700'000'000) + microseconds(1234)};

TEST(LogText, JsonHasTimeLevelInterfaceAndMessage) {
  EXPECT_EQ(log_json({LogLevel::kWarn, kTime, "eth0"}, "the link is down"),
            R"({"time":"2023-11-14T22:13:20.001234Z","level":"warn","interface":"eth0",)"
            R"("message":"the link is down"})");
}

TEST(LogText, JsonLeavesOutAnInterfaceThatIsNone) {
  const auto json = parse_json(log_json({LogLevel::kInfo, kTime, ""}, "checked"));
  EXPECT_FALSE(json.contains("interface"));
  EXPECT_EQ(json.at("level"), "info");
}

TEST(LogText, JsonStaysOneValidLineWhateverIsInTheMessage) {
  const std::string message = "bad \"list\":\n\x1b[31m\xff\x01 end";
  const std::string line = log_json({LogLevel::kError, kTime, "eth0"}, message);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(parse_json(line).at("message"), "bad \"list\":\n\x1b[31m\xef\xbf\xbd\x01 end");
}

TEST(LogText, EveryLineHasThePriorityOfSyslog) {
  EXPECT_EQ(log_with_priority(LogLevel::kError, "first\nsecond"), "<3>first\n<3>second\n");
  EXPECT_EQ(log_with_priority(LogLevel::kWarn, "one"), "<4>one\n");
  EXPECT_EQ(log_with_priority(LogLevel::kInfo, "one"), "<6>one\n");
  EXPECT_EQ(log_with_priority(LogLevel::kDebug, "one"), "<7>one\n");
}

}  // namespace
}  // namespace afxfw
