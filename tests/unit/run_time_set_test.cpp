#include "rules/run_time_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/rules.h"
#include "rules/nft_listing.h"

namespace afxfw {
namespace {

using Texts = std::vector<std::string>;

// The sets that the tests change: s of addresses, p of addresses and ports.
nft::Table sets() {
  return test::compiled(
             test::table("ip saddr @s drop\nip saddr . tcp dport @p drop",
                         {.sets = "set s { type ipv4_addr; flags interval; elements = { 192.0.2.1, "
                                  "198.51.100.0/24 } }\n"
                                  "set p { type ipv4_addr . inet_service; }"}))
      ->table()
      ->table;
}

std::vector<nft::Interval> key(const nft::Set& set, const std::string& text) {
  const auto parsed = parse_elements_of(set, {text});
  return parsed.value().front().key;
}

Texts texts(const nft::Set& set) {
  Texts result;
  for (const nft::Element& element : set.elements) result.push_back(to_text(set, element));
  std::sort(result.begin(), result.end());
  return result;
}

TEST(RunTimeSet, ReadsElementsAsNftWritesThem) {
  const nft::Table table = sets();
  const auto elements = parse_elements_of(
      *table.find_set("s"),
      {"192.0.2.9", "10.0.0.0/8 timeout 1h30m", "10.0.0.1-10.0.0.9 comment \"a, b\""});
  ASSERT_TRUE(elements.has_value()) << elements.error();
  EXPECT_EQ((*elements)[0].key.front().low, 0xc0000209U);
  EXPECT_EQ((*elements)[1].timeout_s, 5400U);
  EXPECT_EQ((*elements)[1].key.front().high, 0x0affffffU);
  EXPECT_EQ((*elements)[2].comment, "a, b");
}

TEST(RunTimeSet, SaysWhatIsNoElement) {
  const nft::Table table = sets();
  for (const char* text : {"", "rubbish", "192.0.2.1, 192.0.2.2", "192.0.2.1 } {", "192.0.2.1 . 80",
                           "2001:db8::1", "192.0.2.1 timeout", "192.0.2.1\n192.0.2.2", "}"}) {
    const auto elements = parse_elements_of(*table.find_set("s"), {text});
    ASSERT_FALSE(elements.has_value()) << text;
    EXPECT_NE(elements.error().find("is no element of set s"), std::string::npos);
  }
  // Without flags interval, as nft.
  EXPECT_FALSE(parse_elements_of(*table.find_set("p"), {"192.0.2.0/24 . 80"}).has_value());
  EXPECT_TRUE(parse_elements_of(*table.find_set("p"), {"192.0.2.1 . 80"}).has_value());
}

TEST(RunTimeSet, AddsAndRemovesWholeElements) {
  nft::Table table = sets();
  nft::Set& set = table.sets.front();
  std::vector<Prefix> prefixes = {Prefix::ipv4(0x0a000000, 8), Prefix::ipv4(0x0b000000, 8)};
  RunTimeSet changes(type_text(set));
  changes.add(key(set, "192.0.2.9"), {});
  changes.remove(key(set, "192.0.2.1"));
  changes.remove(key(set, "198.51.100.7"));  // only part of an element: nothing, as nft
  changes.remove(key(set, "10.0.0.0/8"));
  changes.apply_to(set, prefixes);
  EXPECT_EQ(texts(set), (Texts{"192.0.2.9", "198.51.100.0/24"}));
  EXPECT_EQ(prefixes, std::vector<Prefix>{Prefix::ipv4(0x0b000000, 8)});
}

TEST(RunTimeSet, TheLastChangeOfAnElementCounts) {
  nft::Table table = sets();
  nft::Set& set = table.sets.front();
  std::vector<Prefix> prefixes;
  RunTimeSet changes(type_text(set));
  changes.remove(key(set, "192.0.2.1"));
  changes.add(key(set, "192.0.2.1"), {.timeout_s = {}, .expires_ms = {}, .comment = "back"});
  changes.apply_to(set, prefixes);
  EXPECT_EQ(texts(set), (Texts{"192.0.2.1", "198.51.100.0/24"}));
  EXPECT_EQ(set.elements.back().comment, "back");
}

TEST(RunTimeSet, FlushedItHasNothingOfTheFilesUntilTheyAreReadAgain) {
  nft::Table table = sets();
  std::vector<Prefix> prefixes = {Prefix::ipv4(0x0a000000, 8)};
  RunTimeSet changes(type_text(table.sets.front()));
  changes.add(key(table.sets.front(), "192.0.2.9"), {});
  changes.flush();
  changes.add(key(table.sets.front(), "192.0.2.10"), {});
  changes.apply_to(table.sets.front(), prefixes);
  EXPECT_EQ(texts(table.sets.front()), (Texts{"192.0.2.10"}));
  EXPECT_TRUE(prefixes.empty());
  changes.files_read_again();
  nft::Table again = sets();
  changes.apply_to(again.sets.front(), prefixes);
  EXPECT_EQ(texts(again.sets.front()), (Texts{"192.0.2.1", "192.0.2.10", "198.51.100.0/24"}));
}

TEST(RunTimeSet, DoesNothingToASetOfAnotherType) {
  nft::Table table = sets();
  nft::Set& addresses = table.sets[0];
  nft::Set& pairs = table.sets[1];
  std::vector<Prefix> prefixes;
  RunTimeSet changes(type_text(addresses));
  changes.add(key(addresses, "192.0.2.9"), {});
  changes.apply_to(pairs, prefixes);
  EXPECT_TRUE(pairs.elements.empty());
}

TEST(RunTimeSet, ExpiresByItsOwnTime) {
  const nft::Table table = sets();
  const nft::Set& set = table.sets.front();
  RunTimeSet changes(type_text(set));
  changes.add(key(set, "192.0.2.9"), {.timeout_s = 1, .expires_ms = 1000, .comment = {}});
  changes.add(key(set, "192.0.2.10"), {});
  EXPECT_EQ(changes.next_expiry_ms(), 1000U);
  EXPECT_TRUE(changes.expire(999).empty());
  EXPECT_EQ(changes.expire(1000).size(), 1U);
  EXPECT_EQ(changes.next_expiry_ms(), std::nullopt);
  EXPECT_EQ(changes.entries().size(), 1U);
}

}  // namespace
}  // namespace afxfw
