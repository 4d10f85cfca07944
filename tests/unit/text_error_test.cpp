#include "util/text_error.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace afxfw {
namespace {

TextError error_in_line(std::size_t line) {
  return {.source = "list.txt", .line = line, .column = 3, .text = "x", .what = "bad"};
}

TEST(TextError, NamesFileLineAndColumn) {
  EXPECT_EQ(to_string(error_in_line(7)), "list.txt:7:3: bad: 'x'");
}

TEST(TextError, OfAnOptionHasNoLine) {
  EXPECT_EQ(to_string(error_in_line(0)), "list.txt: column 3: bad: 'x'");
}

TEST(TextError, ShowsControlCharactersAsNumbers) {
  TextError error = error_in_line(1);
  error.text = std::string_view("\x1b[2J\0\xc3", 6);
  EXPECT_EQ(to_string(error), "list.txt:1:3: bad: '\\x1b[2J\\x00\\xc3'");
}

TEST(TextError, CutsLongText) {
  TextError error = error_in_line(1);
  error.text = std::string(500, 'a');
  EXPECT_EQ(to_string(error), "list.txt:1:3: bad: '" + std::string(60, 'a') + "...'");
}

TEST(TextErrors, ShowsTheFirstAndCountsTheRest) {
  TextErrors errors;
  for (std::size_t line = 1; line <= 25; ++line) errors.add(error_in_line(line));
  EXPECT_EQ(to_string(errors, 2),
            "list.txt:1:3: bad: 'x'\nlist.txt:2:3: bad: 'x'\n... and 23 more");
  EXPECT_EQ(to_string(errors, 0), "... and 25 more");
  EXPECT_TRUE(to_string(errors).ends_with("list.txt:20:3: bad: 'x'\n... and 5 more"));
  EXPECT_TRUE(to_string(errors, 25).ends_with("list.txt:25:3: bad: 'x'"));
}

TEST(TextErrors, CountsBeyondWhatItKeeps) {
  TextErrors first;
  TextErrors second;
  for (std::size_t line = 0; line < TextErrors::kMaxKept - 1; ++line)
    first.add(error_in_line(line));
  for (std::size_t line = 0; line < 5; ++line) second.add(error_in_line(line));
  first.append(second);
  EXPECT_EQ(first.total(), TextErrors::kMaxKept + 4);
  EXPECT_EQ(first.kept().size(), TextErrors::kMaxKept);
  first.add(error_in_line(9));
  EXPECT_EQ(first.total(), TextErrors::kMaxKept + 5);
  EXPECT_EQ(first.kept().size(), TextErrors::kMaxKept);
}

}  // namespace
}  // namespace afxfw
