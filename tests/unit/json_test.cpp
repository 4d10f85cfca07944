#include "util/json.h"

#include <gtest/gtest.h>

namespace afxfw {
namespace {

TEST(Json, KeepsTheOrderOfMembers) {
  EXPECT_EQ(json_text(parse_json(R"({ "b": 1, "a": [true, null] })")),
            R"({"b":1,"a":[true,null]})");
}

TEST(Json, DiscardsWhatIsNone) {
  for (const char* text : {"", "{", "{\"a\":}", "nothing", "1 2", "\"\xff\""}) {
    EXPECT_TRUE(parse_json(text).is_discarded()) << text;
  }
}

TEST(Json, ReplacesWhatIsNoUtf8) {
  // U+FFFD, as the Unicode standard has it, chapter 3.9.
  EXPECT_EQ(json_text({{"name", "a\xff"}}), "{\"name\":\"a\xef\xbf\xbd\"}");
  EXPECT_EQ(ascii_json_text({{"name", "a\xff"}}), R"({"name":"a\ufffd"})");
}

TEST(Json, EscapesForTerminals) {
  // U+009B, which a terminal may take for the start of a sequence.
  EXPECT_EQ(json_text("\xc2\x9b"), "\"\xc2\x9b\"");
  EXPECT_EQ(ascii_json_text("\xc2\x9b"), R"("\u009b")");
}

}  // namespace
}  // namespace afxfw
