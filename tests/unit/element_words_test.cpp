#include "ctl/element_words.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace afxfw {
namespace {

using Texts = std::vector<std::string>;

TEST(ElementWords, AreSplitAtCommas) {
  EXPECT_EQ(split_elements("{ 192.0.2.1, 192.0.2.2 . 80 }").value(),
            (Texts{"192.0.2.1", "192.0.2.2 . 80"}));
  EXPECT_EQ(split_elements("192.0.2.1").value(), (Texts{"192.0.2.1"}));
  EXPECT_EQ(split_elements("{1,2}").value(), (Texts{"1", "2"}));
  EXPECT_EQ(split_elements("1 comment \"a, b\", 2").value(), (Texts{"1 comment \"a, b\"", "2"}));
  EXPECT_EQ(split_elements(" ").value(), Texts{});
  EXPECT_EQ(split_elements("{ }").value(), Texts{});
}

TEST(ElementWords, ThatDoNotFitTogetherAreErrors) {
  for (const char* text : {"{ 1", "1 }", "1,,2", "{ , 1 }"}) {
    EXPECT_FALSE(split_elements(text).has_value()) << text;
  }
}

TEST(ElementWords, OfAFileAreItsLines) {
  EXPECT_EQ(element_lines("# all\n1 . 2 # one\n\n  3 . 4 comment \"# 5\"\r\n6"),
            (Texts{"1 . 2", "3 . 4 comment \"# 5\"", "6"}));
  EXPECT_EQ(element_lines(""), Texts{});
}

TEST(Duration, IsReadAsNftWritesIt) {
  EXPECT_EQ(parse_duration_s("30s"), 30U);
  EXPECT_EQ(parse_duration_s("10m"), 600U);
  EXPECT_EQ(parse_duration_s("1h30m"), 5400U);
  EXPECT_EQ(parse_duration_s("1d2h3m4s"), 93'784U);
  EXPECT_EQ(parse_duration_s("45"), 45U);
  for (const char* text : {"", "0", "0s", "s", "10x", "10m1h", "1h30", "-1s", "1.5h", " 1s", "1s ",
                           "99999999999s", "10mm"}) {
    EXPECT_EQ(parse_duration_s(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace afxfw
