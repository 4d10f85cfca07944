#include "rules/nft_checks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "harness/rules.h"
#include "rules/nft_parser.h"

namespace afxfw::nft {
namespace {

using testing::HasSubstr;

std::string errors(const std::string& elements) {
  const auto parsed = parse_rules(
      {"rules.nft",
       test::table(
           "accept",
           {.sets = "set s { type inet_service . inet_proto . inet_service; flags interval\n"
                    "elements = { " +
                    elements + " } }"})},
      {});
  return parsed ? "" : to_string(parsed.error());
}

struct Range {
  int low;
  int high;
  friend bool operator==(const Range&, const Range&) = default;
};
using Key = std::vector<Range>;

Key random_key(std::mt19937& random) {
  Key key;
  for (int part = 0; part < 3; ++part) {
    const int low = static_cast<int>(random() % 20);
    const int length = static_cast<int>(random() % 4 == 0 ? random() % 20 : random() % 3);
    key.push_back({low, low + length});
  }
  return key;
}

bool overlap(const Key& a, const Key& b) {
  return std::equal(a.begin(), a.end(), b.begin(), [](const Range& x, const Range& y) {
    return x.low <= y.high && y.low <= x.high;
  });
}

std::string text(const Key& key) {
  return fmt::format("{}-{} . {}-{} . {}-{}", key[0].low, key[0].high, key[1].low, key[1].high,
                     key[2].low, key[2].high);
}

// Equal ones are one element, as to nft.
TEST(NftChecks, RefusesElementsThatOverlapAndOnlyThose) {
  std::mt19937 random(1);
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<Key> keys(2 + random() % 8);
    std::generate(keys.begin(), keys.end(), [&] { return random_key(random); });
    if (random() % 2 == 0) keys.back() = keys.front();
    bool expected = false;
    std::string elements;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      elements += text(keys[i]) + ", ";
      for (std::size_t j = 0; j < i; ++j) {
        expected = expected || (overlap(keys[i], keys[j]) && keys[i] != keys[j]);
      }
    }
    refused += expected ? 1 : 0;
    if (expected) {
      ASSERT_THAT(errors(elements), HasSubstr("overlaps the one at")) << elements;
    } else {
      ASSERT_EQ(errors(elements), "") << elements;
    }
  }
  EXPECT_GT(refused, 50);
  EXPECT_LT(refused, 350);
}

// Pair by pair this would take many seconds.
TEST(NftChecks, ManyElementsMayHaveOnePartInCommon) {
  std::string elements;
  for (int i = 0; i < 20'000; ++i) elements += fmt::format("0-65535 . 0-255 . {}, ", i);
  EXPECT_EQ(errors(elements), "");
  EXPECT_THAT(errors(elements + "7 . 7 . 19999-20000"), HasSubstr("overlaps the one at"));
}

}  // namespace
}  // namespace afxfw::nft
