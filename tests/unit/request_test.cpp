#include "protocol/request.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/response.h"
#include "util/json.h"

namespace afxfw::protocol {
namespace {

std::string error_of(const std::string& line) {
  const auto request = parse_request(line);
  return request ? "none" : request.error().message;
}

TEST(Request, IsWhatDocsControlSays) {
  const auto request =
      parse_request(R"({"version":1,"command":"add_elements","set":"blocklist",)"
                    R"("elements":["192.0.2.1","2001:db8::/32"],"timeout_s":600,"comment":"why"})");
  ASSERT_TRUE(request.has_value()) << request.error().message;
  EXPECT_EQ(request->command, Command::kAddElements);
  EXPECT_EQ(request->set, "blocklist");
  EXPECT_EQ(request->elements, (std::vector<std::string>{"192.0.2.1", "2001:db8::/32"}));
  EXPECT_EQ(request->timeout_s, 600U);
  EXPECT_EQ(request->comment, "why");
}

TEST(Request, ComesBackFromItsLine) {
  const std::vector<Request> requests = {
      {.command = Command::kStatus},
      {.command = Command::kListSet, .set = "bad", .offset = 10'000},
      {.command = Command::kAddElements,
       .set = "bad \"quoted\"",
       .elements = {"a", "b . 80"},
       .timeout_s = 1,
       .comment = "\xc3\xa4"},
      {.command = Command::kReload, .rules = "/etc/afxfw/web.nft", .confirm_s = 60},
      {.command = Command::kFlushSet, .set = "allowlist"},
      {.command = Command::kCapture},
      {.command = Command::kCapture, .verdict = CapturedVerdict::kDrop, .snap_length = 96},
      {.command = Command::kTopSources},
      {.command = Command::kTopSources, .count = 1000},
  };
  for (const Request& request : requests) {
    const std::string line = to_line(request);
    ASSERT_EQ(line.find('\n'), line.size() - 1);
    const auto again = parse_request(std::string_view(line).substr(0, line.size() - 1));
    ASSERT_TRUE(again.has_value()) << line << again.error().message;
    EXPECT_EQ(*again, request);
  }
}

TEST(Request, IsBounded) {
  const auto with = [](const std::string& fields) {
    return R"({"version":1,"command":"add_elements","set":"s",)" + fields + "}";
  };
  EXPECT_EQ(error_of(with(R"("elements":["x"])")), "none");
  std::string many = "\"x\"";
  for (std::size_t i = 1; i < kMaxElements; ++i) many += ",\"x\"";
  EXPECT_EQ(error_of(with("\"elements\":[" + many + "]")), "none");
  EXPECT_NE(error_of(with("\"elements\":[" + many + ",\"x\"]")), "none");
  EXPECT_EQ(error_of(with(R"("elements":[")" + std::string(kMaxElementBytes, 'x') + "\"]")),
            "none");
  EXPECT_NE(error_of(with(R"("elements":[")" + std::string(kMaxElementBytes + 1, 'x') + "\"]")),
            "none");
  const std::string comment = R"("elements":["x"],"comment":")";
  EXPECT_EQ(error_of(with(comment + std::string(128, 'x') + "\"")), "none");
  EXPECT_NE(error_of(with(comment + std::string(129, 'x') + "\"")), "none");
  EXPECT_NE(error_of(std::string(kMaxRequestBytes + 1, ' ')), "none");
}

TEST(Request, ListsAThousandSourcesAtMost) {
  for (const char* count : {"0", "1001", "-1", "1.5", "\"5\"", "null"}) {
    EXPECT_EQ(error_of(fmt::format(R"({{"version":1,"command":"top_sources","count":{}}})", count)),
              "'count' must be a whole number, 1 to 1000");
  }
}

TEST(Request, WithAnythingUnknownIsRefused) {
  for (const char* line : {"",
                           "null",
                           "1",
                           "[]",
                           "{}",
                           R"({"version":"1","command":"status"})",
                           R"({"version":1.5,"command":"status"})",
                           R"({"version":1,"command":1})",
                           R"({"version":1,"command":"status","more":1})",
                           R"({"version":1,"command":"flush_set"})",
                           R"({"version":1,"command":"flush_set","set":1})",
                           R"({"version":1,"command":"flush_set","set":""})",
                           R"({"version":1,"command":"flush_set","set":"a\u0007"})",
                           R"({"version":1,"command":"reload","confirm_s":0})",
                           R"({"version":1,"command":"reload","confirm_s":-1})",
                           R"({"version":1,"command":"reload","rules":null})",
                           R"({"version":1,"command":"list_set","set":"a","offset":-1})",
                           R"({"version":1,"command":"add_elements","set":"a","elements":"b"})",
                           R"({"version":1,"command":"add_elements","set":"a","elements":[1]})",
                           R"({"version":1,"command":"status"} x)",
                           "{\"version\":1,\"command\":\"\xff\"}"}) {
    EXPECT_NE(error_of(line), "none") << line;
  }
}

TEST(Request, OfACaptureIsChecked) {
  const auto with = [](const std::string& fields) {
    return error_of(R"({"version":1,"command":"capture",)" + fields + "}");
  };
  EXPECT_EQ(with(R"("verdict":"accept","snaplen":65535)"), "none");
  for (const char* fields :
       {R"("verdict":"reject")", R"("verdict":1)", R"("snaplen":0)", R"("snaplen":65536)",
        R"("snaplen":-1)", R"("snaplen":"96")", R"("filter":"tcp")"}) {
    EXPECT_NE(with(fields), "none") << fields;
  }
}

TEST(Request, AnotherVersionIsToldWhatToUse) {
  EXPECT_NE(error_of(R"({"version":2,"command":"status"})").find("use the afxfwctl that came with"),
            std::string::npos);
}

TEST(Request, SaysWhatIsNotForEverybody) {
  for (const Command command : {Command::kStatus, Command::kListRules, Command::kListSets,
                                Command::kListSet, Command::kVersion, Command::kMonitor}) {
    EXPECT_FALSE(is_restricted(command)) << name(command);
  }
  for (const Command command : {Command::kResetCounters, Command::kAddElements,
                                Command::kDeleteElements, Command::kFlushSet, Command::kReload,
                                Command::kConfirm, Command::kDetach, Command::kCapture}) {
    EXPECT_TRUE(is_restricted(command)) << name(command);
  }
}

std::string without_newline(std::string line) {
  line.pop_back();
  return line;
}

TEST(Response, ComesBackFromItsLine) {
  const Response fine = Json{{"changed", 3}};
  EXPECT_EQ(parse_response(without_newline(to_line(fine))).value(), *fine);
  const Response refused =
      tl::unexpected(RequestError{ErrorCode::kDenied, "no: \"quoted\"\nsecond line"});
  const std::string line = to_line(refused);
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  const auto again = parse_response(without_newline(line));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kDenied);
  EXPECT_EQ(again.error().message, "no: \"quoted\"\nsecond line");
  EXPECT_EQ(parse_response(without_newline(event_line({{"kind", "add"}}))).value()["kind"], "add");
}

TEST(Response, BytesThatAreNoUtf8AreReplaced) {
  const Response refused = tl::unexpected(RequestError{ErrorCode::kFailed,
                                                       "a\xff"
                                                       "b"});
  EXPECT_FALSE(parse_response(without_newline(to_line(refused))).has_value());
  EXPECT_NE(to_line(refused).find("a\xef\xbf\xbd"
                                  "b"),
            std::string::npos);
}

TEST(Response, OfSomethingElseIsAnError) {
  for (const char* line : {"", "x", "[]", "{}", R"({"ok":1})", R"({"ok":true})", R"({"ok":false})",
                           R"({"ok":false,"error":{"code":1,"message":"x"}})"}) {
    const auto response = parse_response(line);
    ASSERT_FALSE(response.has_value()) << line;
    EXPECT_EQ(response.error().code, ErrorCode::kMalformed) << line;
  }
}

}  // namespace
}  // namespace afxfw::protocol
