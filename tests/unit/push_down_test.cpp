#include "engine/push_down.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/prefix.h"

namespace afxfw {
namespace {

using std::chrono::seconds;
using Sources = std::vector<PushedSource>;

PushedSource source(const std::string& text) {
  const Prefix prefix = parse_prefix(text)->prefix;
  return {prefix.first(), static_cast<std::uint8_t>(prefix.family() == Family::kIpv4 ? 4 : 6)};
}

HeavyHitter hitter(const std::string& text, double rate,
                   DropReason reason = DropReason::kBlocklist) {
  const PushedSource from = source(text);
  HeavyHitter hot;
  hot.source = {from.address, from.version, reason};
  hot.packets = 1000;
  hot.rate = rate;
  return hot;
}

std::unique_ptr<const RuleSet> rules(const std::string& block, const std::string& allow = {}) {
  RuleSetSources sources;
  sources.blocklists.push_back({"block", block});
  sources.allowlists.push_back({"allow", allow});
  auto compiled = compile(sources, 1);
  EXPECT_TRUE(compiled.has_value());
  return std::move(compiled->rules);
}

class PushedChoiceTest : public testing::Test {
 protected:
  /// A second later; what XDP drops a second from each of the sources it has.
  PushedChoice::Changes second(const std::vector<HeavyHitter>& hottest, const RuleSet& in_force,
                               const std::map<PushedSource, std::uint64_t>& dropping = {}) {
    now_ += seconds(1);
    std::map<PushedSource, std::uint64_t> dropped;
    for (const PushedSource& each : choice_.sources()) {
      const auto found = dropping.find(each);
      dropped[each] = total_[each] += found == dropping.end() ? 0 : found->second;
    }
    auto changes = choice_.update(now_, dropped, hottest, in_force);
    for (const PushedSource& each : changes.remove) total_.erase(each);
    return changes;
  }

  PushedChoice choice_{3};
  PushedChoice::Clock::time_point now_{};
  std::map<PushedSource, std::uint64_t> total_;
};

TEST_F(PushedChoiceTest, TakesTheHottestOfTheBlockedOnes) {
  const auto in_force = rules("198.51.100.0/24\n2001:db8:bad::/48", "198.51.100.1");
  const auto changes = second(
      {hitter("198.51.100.1", 9000), hitter("203.0.113.1", 8000),
       hitter("198.51.100.2", 7000, DropReason::kRule), hitter("198.51.100.3", 6000),
       hitter("2001:db8:bad::4", 5000), hitter("198.51.100.5", 4000), hitter("198.51.100.6", 3000)},
      *in_force);
  EXPECT_EQ(changes.add,
            (Sources{source("198.51.100.3"), source("2001:db8:bad::4"), source("198.51.100.5")}));
  EXPECT_TRUE(changes.remove.empty());
  EXPECT_EQ(choice_.count(4), 2U);
  EXPECT_EQ(choice_.count(6), 1U);
}

TEST_F(PushedChoiceTest, LeavesThoseThatSendLittleToTheWorkers) {
  const auto in_force = rules("198.51.100.0/24");
  EXPECT_TRUE(second({hitter("198.51.100.1", 3)}, *in_force).add.empty());
}

TEST_F(PushedChoiceTest, WhatXdpDropsKeepsASourceAndQuietEndsIt) {
  const auto in_force = rules("198.51.100.0/24");
  const PushedSource bad = source("198.51.100.1");
  EXPECT_EQ(second({hitter("198.51.100.1", 5000)}, *in_force).add, Sources{bad});
  for (int i = 0; i < 30; ++i) {
    const auto changes = second({}, *in_force, {{bad, 5000}});
    EXPECT_TRUE(changes.add.empty() && changes.remove.empty());
  }
  for (int i = 1; i < PushedChoice::kQuiet.count(); ++i) {
    EXPECT_TRUE(second({}, *in_force).remove.empty()) << i << " s quiet";
  }
  EXPECT_EQ(second({}, *in_force).remove, Sources{bad});
  EXPECT_TRUE(choice_.sources().empty());
}

TEST_F(PushedChoiceTest, AHotterOneTakesTheColdestPlace) {
  const auto in_force = rules("198.51.100.0/24");
  const PushedSource one = source("198.51.100.1");
  const PushedSource two = source("198.51.100.2");
  const PushedSource three = source("198.51.100.3");
  second({hitter("198.51.100.1", 5000), hitter("198.51.100.2", 5000), hitter("198.51.100.3", 5000)},
         *in_force);
  const std::map<PushedSource, std::uint64_t> dropping = {{one, 5000}, {two, 1000}, {three, 3000}};
  auto changes = second({hitter("198.51.100.4", 1500)}, *in_force, dropping);
  EXPECT_TRUE(changes.add.empty()) << "hardly hotter than the coldest";
  changes = second({hitter("198.51.100.4", 2500)}, *in_force, dropping);
  EXPECT_EQ(changes.remove, Sources{two});
  EXPECT_EQ(changes.add, Sources{source("198.51.100.4")});
  EXPECT_EQ(choice_.sources().size(), 3U);
}

TEST_F(PushedChoiceTest, WhoIsNoLongerBlockedLeaves) {
  const auto before = rules("198.51.100.0/24\n2001:db8:bad::/48");
  second(
      {hitter("198.51.100.1", 5000), hitter("198.51.100.2", 5000), hitter("2001:db8:bad::3", 5000)},
      *before);
  EXPECT_TRUE(choice_.no_longer_blocked(*before).empty());
  const auto allowed = rules("198.51.100.0/24\n2001:db8:bad::/48", "198.51.100.2");
  EXPECT_EQ(choice_.no_longer_blocked(*allowed), Sources{source("198.51.100.2")});
  const auto unblocked = rules("198.51.100.1");
  EXPECT_EQ(choice_.no_longer_blocked(*unblocked), Sources{source("2001:db8:bad::3")});
  EXPECT_EQ(choice_.sources(), Sources{source("198.51.100.1")});
}

}  // namespace
}  // namespace afxfw
