#include "rules/element_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace afxfw {
namespace {

using nft::Element;
using nft::Interval;
using nft::Type;
using nft::Value;

unsigned bits_of(Type type) {
  switch (type) {
    case Type::kIpv4Address:
      return 32;
    case Type::kIpv6Address:
      return 128;
    case Type::kEtherAddress:
      return 48;
    case Type::kService:
      return 16;
    default:
      return 8;
  }
}

// Few different values, at both ends of what the type has and in between, so that
// elements overlap and packets meet them.
Value random_value(Type type, std::mt19937& random) {
  const Value most = nft::largest(bits_of(type));
  const Value offset = random() % 12;
  switch (random() % 3) {
    case 0:
      return offset;
    case 1:
      return most - offset;
    default:
      return most / 2 + offset;
  }
}

Interval random_interval(Type type, std::mt19937& random) {
  Value low = random_value(type, random);
  Value high = random() % 2 == 0 ? low : random_value(type, random);
  if (high < low) std::swap(low, high);
  return {low, high};
}

bool has(const Element& element, const std::vector<Value>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < element.key[i].low || values[i] > element.key[i].high) return false;
  }
  return true;
}

struct Shape {
  std::vector<Type> types;
  bool distinguish;
};

class ElementSetOf : public testing::TestWithParam<Shape> {};

TEST_P(ElementSetOf, FindsWhatAScanFinds) {
  const auto& [types, distinguish] = GetParam();
  std::mt19937 random(static_cast<unsigned>(types.size()));
  int found = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<Element> elements(random() % 24);
    for (Element& element : elements) {
      for (const Type type : types) element.key.push_back(random_interval(type, random));
    }
    const auto set = ElementSet::build(
        {.types = types, .elements = elements, .prefixes = {}, .distinguish = distinguish});
    ASSERT_TRUE(set.has_value()) << set.error();
    for (int packet = 0; packet < 100; ++packet) {
      std::vector<Value> values(types.size());
      std::transform(types.begin(), types.end(), values.begin(),
                     [&](Type type) { return random_value(type, random); });
      const bool expected = std::any_of(elements.begin(), elements.end(),
                                        [&](const Element& each) { return has(each, values); });
      found += expected ? 1 : 0;
      const std::uint32_t element = set->find(values);
      ASSERT_EQ(element != ElementSet::kNotFound, expected);
      if (expected && distinguish) {
        ASSERT_TRUE(has(elements.at(element), values)) << "element " << element;
      }
    }
  }
  EXPECT_GT(found, 100) << "else this shows little";
}

constexpr Type kIpv4 = Type::kIpv4Address;
constexpr Type kIpv6 = Type::kIpv6Address;
constexpr Type kPort = Type::kService;
constexpr Type kProtocol = Type::kInetProto;

INSTANTIATE_TEST_SUITE_P(OnePart, ElementSetOf,
                         testing::Values(Shape{{kIpv4}, false}, Shape{{kIpv6}, false},
                                         Shape{{kPort}, false}, Shape{{Type::kEtherAddress}, false},
                                         Shape{{kProtocol}, false}, Shape{{kIpv4}, true},
                                         Shape{{kIpv6}, true}, Shape{{kPort}, true}));
INSTANTIATE_TEST_SUITE_P(SeveralParts, ElementSetOf,
                         testing::Values(Shape{{kIpv4, kPort}, false}, Shape{{kPort, kIpv6}, true},
                                         Shape{{kProtocol, kPort}, true},
                                         Shape{{kIpv4, kIpv4, kPort}, false},
                                         Shape{{kIpv6, kProtocol, kPort}, true},
                                         Shape{{kPort, kIpv6, Type::kEtherAddress}, true}));

TEST(ElementSet, WithoutElementsFindsNothing) {
  for (const bool distinguish : {false, true}) {
    const auto set = ElementSet::build(
        {.types = {kIpv4}, .elements = {}, .prefixes = {}, .distinguish = distinguish});
    const std::vector<Value> values = {0};
    EXPECT_EQ(set->find(values), ElementSet::kNotFound);
  }
}

TEST(ElementSet, NumbersElementsAndThenPrefixesOfBothFamilies) {
  const std::vector<Element> elements = {{.key = {{10, 19}}}, {.key = {{30, 30}}}};
  const std::vector<Prefix> prefixes = {Prefix::ipv4(64, 26), Prefix::ipv6(0, 0),
                                        Prefix::ipv4(256, 24)};
  const auto set = ElementSet::build(
      {.types = {kIpv4}, .elements = elements, .prefixes = prefixes, .distinguish = true});
  const auto find = [&](Value value) { return set->find({&value, 1}); };
  EXPECT_EQ(find(19), 0U);
  EXPECT_EQ(find(30), 1U);
  EXPECT_EQ(find(127), 2U);
  EXPECT_EQ(find(300), 4U);
  EXPECT_EQ(find(200), ElementSet::kNotFound) << "a prefix of IPv6 holds no IPv4 address";
}

TEST(ElementSet, ElementsThatAreTakenOutLeaveTheNumbersOfOthersAlone) {
  const std::vector<Element> elements = {
      {.key = {{1, 0}, {0, 65535}}}, {.key = {{0, 9}, {80, 80}}}, {.key = {{1, 0}, {443, 443}}}};
  const auto set = ElementSet::build(
      {.types = {kIpv4, kPort}, .elements = elements, .prefixes = {}, .distinguish = true});
  const std::vector<Value> web = {1, 80};
  const std::vector<Value> other = {0, 443};
  EXPECT_EQ(set->find(web), 1U);
  EXPECT_EQ(set->find(other), ElementSet::kNotFound);
}

// Each part has more different values than the third dimension can tell apart.
TEST(ElementSet, RefusesThreePartsThatAllHaveTooManyValues) {
  std::vector<Element> elements;
  for (Value i = 0; i < 33'000; ++i) {
    elements.push_back({.key = {{3 * i, 3 * i}, {5 * i, 5 * i}, {7 * i, 7 * i}}});
  }
  const auto set = ElementSet::build(
      {.types = {kIpv4, kIpv4, kIpv6}, .elements = elements, .prefixes = {}, .distinguish = false});
  ASSERT_FALSE(set.has_value());
  EXPECT_NE(set.error().find("different values"), std::string::npos);
}

// One after the other, from the first address of an interval to its last.
void expect_covers(Family family, Interval interval) {
  std::vector<Prefix> prefixes;
  append_prefixes(family, interval, prefixes);
  ASSERT_FALSE(prefixes.empty());
  ASSERT_LE(prefixes.size(), 2 * address_bits(family) - 2);
  ASSERT_EQ(prefixes.front().first(), interval.low);
  for (std::size_t i = 1; i < prefixes.size(); ++i) {
    ASSERT_EQ(prefixes[i].first(), prefixes[i - 1].last() + 1);
  }
  ASSERT_EQ(prefixes.back().last(), interval.high);
  for (const Prefix& prefix : prefixes) ASSERT_EQ(prefix.family(), family);
}

TEST(AppendPrefixes, CoversExactlyTheInterval) {
  std::mt19937_64 random(3);
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const unsigned bits = address_bits(family);
    for (int round = 0; round < 2000; ++round) {
      const auto any = [&] {
        return ((Value{random()} << 64 | random()) & nft::largest(bits)) >> random() % bits;
      };
      const Value a = any();
      const Value b = any();
      expect_covers(family, {std::min(a, b), std::max(a, b)});
    }
    const Value most = nft::largest(bits);
    for (const Interval& extreme :
         {Interval{0, most}, Interval{0, 0}, Interval{most, most}, Interval{1, most},
          Interval{0, most - 1}, Interval{1, most - 1}, Interval{most / 2, most / 2 + 1}}) {
      expect_covers(family, extreme);
    }
  }
}

TEST(AppendPrefixes, KeepsWhatIsThere) {
  std::vector<Prefix> prefixes = {Prefix::ipv4(7, 32)};
  append_prefixes(Family::kIpv4, {0, nft::largest(32)}, prefixes);
  ASSERT_EQ(prefixes.size(), 2U);
  EXPECT_EQ(prefixes[0], Prefix::ipv4(7, 32));
  EXPECT_EQ(prefixes[1], Prefix::ipv4(0, 0));
}

}  // namespace
}  // namespace afxfw
