#include "util/number_text.h"

#include <gtest/gtest.h>

namespace afxfw {
namespace {

TEST(Numbers, AreGroupedByThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(18446744073709551615ULL), "18,446,744,073,709,551,615");
}

TEST(Numbers, NounsGoWithThem) {
  EXPECT_EQ(plural(0, "packet"), "packets");
  EXPECT_EQ(plural(1, "packet"), "packet");
  EXPECT_EQ(plural(2, "packet"), "packets");
}

TEST(Numbers, RatesHaveThreeDigits) {
  EXPECT_EQ(scaled(0), "0");
  EXPECT_EQ(scaled(999), "999");
  EXPECT_EQ(scaled(999.7), "1.00 k");
  EXPECT_EQ(scaled(1234), "1.23 k");
  EXPECT_EQ(scaled(45'600), "45.6 k");
  EXPECT_EQ(scaled(789'000), "789 k");
  EXPECT_EQ(scaled(4'400'000), "4.40 M");
  EXPECT_EQ(scaled(40e9), "40.0 G");
}

}  // namespace
}  // namespace afxfw
