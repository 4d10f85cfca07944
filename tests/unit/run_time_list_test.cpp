#include "rules/run_time_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "rules/address_set.h"

namespace afxfw {
namespace {

using Kind = PrefixChange::Kind;

Prefix prefix(const std::string& text) { return parse_prefix(text)->prefix; }

RunTimeNote until(std::uint64_t expires_ms) {
  return {.timeout_s = 1, .expires_ms = expires_ms, .comment = {}};
}

std::vector<std::string> texts(const RunTimeList& list) {
  std::vector<std::string> result;
  for (const PrefixChange& change : list.changes()) {
    result.push_back((change.kind == Kind::kAdd ? "+" : "-") + to_string(change.prefix));
  }
  return result;
}

using Texts = std::vector<std::string>;

TEST(RunTimeList, TellsChangesInTheirOrder) {
  RunTimeList list;
  list.add(prefix("198.51.100.0/24"), {});
  list.remove(prefix("198.51.100.7"));
  list.add(prefix("192.0.2.1"), {});
  EXPECT_EQ(texts(list), (Texts{"+198.51.100.0/24", "-198.51.100.7", "+192.0.2.1"}));
  EXPECT_EQ(list.added(), 2U);
}

TEST(RunTimeList, ALaterChangeReplacesWhatIsInsideOfIt) {
  RunTimeList list;
  list.add(prefix("198.51.100.0/25"), {});
  list.remove(prefix("198.51.100.7"));
  list.add(prefix("198.51.99.255"), {});
  list.add(prefix("198.51.101.0"), {});
  list.add(prefix("2001:db8::1"), {});
  list.remove(prefix("198.51.100.0/24"));
  EXPECT_EQ(texts(list),
            (Texts{"+198.51.99.255", "+198.51.101.0", "+2001:db8::1", "-198.51.100.0/24"}));
  list.add(prefix("0.0.0.0/0"), {});
  EXPECT_EQ(texts(list), (Texts{"+2001:db8::1", "+0.0.0.0/0"}));
}

TEST(RunTimeList, WhatExpiresKeepsWhatIsInsideOfIt) {
  RunTimeList list;
  list.add(prefix("198.51.100.7"), {});
  list.add(prefix("198.51.100.0/24"), until(1000));
  EXPECT_EQ(list.expire(999), std::vector<Prefix>{});
  EXPECT_EQ(list.expire(1000), std::vector<Prefix>{prefix("198.51.100.0/24")});
  EXPECT_EQ(texts(list), (Texts{"+198.51.100.7"}));
}

TEST(RunTimeList, AddedAgainAPrefixHasTheNewTime) {
  RunTimeList list;
  list.add(prefix("192.0.2.1"), until(1000));
  list.add(prefix("192.0.2.1"), until(5000));
  EXPECT_EQ(list.next_expiry_ms(), 5000U);
  EXPECT_TRUE(list.expire(1000).empty());
  list.add(prefix("192.0.2.1"), {});
  EXPECT_EQ(list.next_expiry_ms(), std::nullopt);
  EXPECT_EQ(list.added(), 1U);
}

TEST(RunTimeList, ExpiresInTheOrderOfTime) {
  RunTimeList list;
  list.add(prefix("192.0.2.1"), until(3000));
  list.add(prefix("192.0.2.2"), until(1000));
  list.add(prefix("192.0.2.3"), until(2000));
  EXPECT_EQ(list.expire(2000), (std::vector<Prefix>{prefix("192.0.2.2"), prefix("192.0.2.3")}));
  EXPECT_EQ(list.next_expiry_ms(), 3000U);
}

TEST(RunTimeList, KnowsWhatIsWithinAnother) {
  RunTimeList list;
  list.add(prefix("10.0.0.0/8"), {});
  list.add(prefix("2001:db8::/32"), {});
  EXPECT_TRUE(list.is_within_another(prefix("10.1.2.3")));
  EXPECT_TRUE(list.is_within_another(prefix("2001:db8:1::/48")));
  EXPECT_FALSE(list.is_within_another(prefix("10.0.0.0/8")));
  EXPECT_FALSE(list.is_within_another(prefix("11.0.0.0/9")));
  EXPECT_FALSE(list.is_within_another(prefix("2001:db9::1")));
  list.forget(prefix("10.0.0.0/8"));
  EXPECT_FALSE(list.is_within_another(prefix("10.1.2.3")));
}

// Against a naive model: what changes say of an address is what the last one still in force
// about it says.
TEST(RunTimeList, SaysOfEachAddressWhatTheLastChangeSays) {
  struct Change {
    Kind kind;
    Prefix prefix;
    std::optional<std::uint64_t> expires_ms;
  };
  std::mt19937 random(7);
  for (int run = 0; run < 200; ++run) {
    RunTimeList list;
    std::vector<Change> model;
    for (std::uint64_t now = 0; now < 60; ++now) {
      const Prefix changed =
          Prefix::ipv4(0xc0000200U + random() % 16, 28 + static_cast<unsigned>(random() % 5));
      const auto kind = random() % 4;
      // The same prefix again is a new time for it, not a second one; a change that stays
      // takes back what is inside.
      std::erase_if(model, [&](const Change& each) {
        const bool inside =
            changed.first() <= each.prefix.first() && each.prefix.last() <= changed.last();
        return each.prefix == changed || (kind <= 1 && inside);
      });
      if (kind == 0) {
        list.remove(changed);
        model.push_back({Kind::kRemove, changed, {}});
      } else if (kind == 1) {
        list.add(changed, {});
        model.push_back({Kind::kAdd, changed, {}});
      } else {
        const std::uint64_t expires = now + 1 + random() % 20;
        list.add(changed, until(expires));
        model.push_back({Kind::kAdd, changed, expires});
      }
      static_cast<void>(list.expire(now));
      std::erase_if(model,
                    [&](const Change& each) { return each.expires_ms && *each.expires_ms <= now; });
      const auto set = AddressSet<Ipv4Bits>().with_changes(list.changes());
      for (Ipv4Bits address = 0xc0000200U; address < 0xc0000210U; ++address) {
        const auto last = std::find_if(model.rbegin(), model.rend(), [&](const Change& each) {
          return each.prefix.first() <= address && address <= each.prefix.last();
        });
        ASSERT_EQ(set.contains(address), last != model.rend() && last->kind == Kind::kAdd)
            << "run " << run << ", address " << format_ipv4(address) << " at " << now;
      }
    }
  }
}

}  // namespace
}  // namespace afxfw
