#include "rules/publisher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "harness/rules.h"

namespace afxfw {
namespace {

// Blocks exactly the address that equals its generation, so that a reader can
// tell a set that is whole from one that is being built or was freed.
std::unique_ptr<const RuleSet> rule_set(std::uint64_t generation) {
  const std::vector<Prefix> block = {Prefix::ipv4(static_cast<Ipv4Bits>(generation), 32)};
  const auto tables = std::make_shared<const AddressTables>(AddressTables::build(block));
  return std::move(*RuleSet::build(generation, {.allow = {}, .block = tables, .table = {}}));
}

bool is_whole(const RuleSet& rules) {
  const auto generation = static_cast<Ipv4Bits>(rules.generation());
  const std::array<Ipv4Bits, 2> sources = {generation, generation + 1};
  const ListHits hits = rules.find_in_lists(std::span<const Ipv4Bits>(sources));
  return hits.blocked == 0b01 && hits.allowed == 0 && rules.rules().size() == 2;
}

TEST(Publisher, ReadersGetTheSetPublishedLast) {
  RuleSetPublisher publisher(2, rule_set(1));
  EXPECT_EQ(publisher.acquire(0).rules.generation(), 1U);
  publisher.publish(rule_set(2));
  EXPECT_EQ(publisher.acquire(0).rules.generation(), 2U);
  EXPECT_EQ(publisher.acquire(1).rules.generation(), 2U);
  EXPECT_EQ(publisher.current().generation(), 2U);
}

TEST(Publisher, KeepsASetUntilItsReaderAcquiresTheNext) {
  RuleSetPublisher publisher(1, rule_set(1));
  const RuleSet& held = publisher.acquire(0).rules;
  publisher.publish(rule_set(2));
  EXPECT_EQ(publisher.reclaim(), 1U);
  EXPECT_TRUE(is_whole(held));
  EXPECT_TRUE(is_whole(publisher.acquire(0).rules));
  EXPECT_EQ(publisher.reclaim(), 0U);
}

TEST(Publisher, TheSlowestReaderDecidesWhatIsFreed) {
  RuleSetPublisher publisher(2, rule_set(1));
  (void)publisher.acquire(0);
  (void)publisher.acquire(1);
  publisher.publish(rule_set(2));
  const RuleSet& second = publisher.acquire(1).rules;
  publisher.publish(rule_set(3));
  EXPECT_EQ(publisher.retired(), 2U);
  (void)publisher.acquire(0);
  EXPECT_EQ(publisher.reclaim(), 1U);  // the first is gone, the second in use
  EXPECT_TRUE(is_whole(second));
  (void)publisher.acquire(1);
  EXPECT_EQ(publisher.reclaim(), 0U);
}

TEST(Publisher, ReadersThatNeverAcquiredHoldNothingBack) {
  RuleSetPublisher publisher(8, rule_set(1));
  publisher.publish(rule_set(2));
  EXPECT_EQ(publisher.retired(), 0U);
}

TEST(Publisher, AnOfflineReaderHoldsNothingBack) {
  RuleSetPublisher publisher(1, rule_set(1));
  (void)publisher.acquire(0);
  publisher.go_offline(0);
  publisher.publish(rule_set(2));
  EXPECT_EQ(publisher.retired(), 0U);
}

TEST(Publisher, AcquiringBringsAReaderBackOnline) {
  RuleSetPublisher publisher(1, rule_set(1));
  (void)publisher.acquire(0);
  publisher.go_offline(0);
  publisher.publish(rule_set(2));
  const RuleSet& held = publisher.acquire(0).rules;
  EXPECT_EQ(held.generation(), 2U);
  publisher.publish(rule_set(3));
  EXPECT_EQ(publisher.retired(), 1U);
  EXPECT_TRUE(is_whole(held));
}

TEST(Publisher, WorksWithoutReaders) {
  RuleSetPublisher publisher(0, rule_set(1));
  publisher.publish(rule_set(2));
  EXPECT_EQ(publisher.retired(), 0U);
}

TEST(Publisher, RefusesGenerationsThatDoNotGrow) {
  RuleSetPublisher publisher(1, rule_set(5));
  EXPECT_THROW(publisher.publish(rule_set(5)), std::invalid_argument);
  EXPECT_THROW(publisher.publish(rule_set(4)), std::invalid_argument);
  EXPECT_THROW(publisher.publish(nullptr), std::invalid_argument);
  EXPECT_EQ(publisher.current().generation(), 5U);
  publisher.publish(rule_set(7));
  EXPECT_EQ(publisher.current().generation(), 7U);
  EXPECT_THROW(RuleSetPublisher(1, nullptr), std::invalid_argument);
  EXPECT_THROW(RuleSetPublisher(1, rule_set(0)), std::invalid_argument);
}

// A rule set of one counting rule for each port.
std::unique_ptr<const RuleSet> counting(std::uint64_t generation, const std::vector<int>& ports,
                                        const RuleSet* previous = nullptr) {
  std::string rules;
  for (const int port : ports)
    rules += "tcp dport " + std::to_string(port) + " counter packets 100 bytes 1000\n";
  return test::compiled(test::table(rules), {.generation = generation, .previous = previous});
}

std::vector<std::uint64_t> packets(const RuleSetPublisher& publisher) {
  std::vector<std::uint64_t> packets;
  for (const RuleCounter& counter : publisher.counts()) packets.push_back(counter.packets);
  return packets;
}

void count(RuleSetPublisher& publisher, std::size_t reader, std::size_t rule) {
  const RuleSetPublisher::InForce in_force = publisher.acquire(reader);
  in_force.evaluation.counters.count(in_force.rules.rules()[rule].slot, 60);
}

TEST(Publisher, AddsUpWhatReadersCountedToWhatTheRulesStartFrom) {
  RuleSetPublisher publisher(2, counting(1, {80, 81}));
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{100, 100}));
  count(publisher, 0, 0);
  count(publisher, 1, 0);
  count(publisher, 1, 1);
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{102, 101}));
  EXPECT_EQ(publisher.counts()[0].bytes, 1120U);
}

TEST(Publisher, KeepsTheCountsOfARuleThatStaysWhereverItMoves) {
  RuleSetPublisher publisher(2, counting(1, {80, 81}));
  count(publisher, 0, 0);
  count(publisher, 1, 1);
  count(publisher, 1, 1);
  publisher.publish(counting(2, {443, 81, 80}, &publisher.current()));
  EXPECT_EQ(publisher.retired(), 1U);
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{100, 102, 101})) << "from both sets";
  count(publisher, 0, 2);
  EXPECT_EQ(publisher.retired(), 1U);
  count(publisher, 1, 0);
  EXPECT_EQ(publisher.reclaim(), 0U);
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{101, 102, 102}))
      << "after the first is freed";
}

TEST(Publisher, ARuleThatComesBackStartsAnew) {
  RuleSetPublisher publisher(1, counting(1, {80}));
  count(publisher, 0, 0);
  publisher.publish(counting(2, {}, &publisher.current()));
  publisher.publish(counting(3, {80}, &publisher.current()));
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{100}));
  count(publisher, 0, 0);
  EXPECT_EQ(publisher.reclaim(), 0U);
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{101}));
}

TEST(Publisher, CountsStartAgainWhenTheyAreReset) {
  RuleSetPublisher publisher(1, counting(1, {80, 81}));
  count(publisher, 0, 0);
  publisher.reset_counts();
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{0, 0}));
  count(publisher, 0, 1);
  publisher.publish(counting(2, {81, 80}, &publisher.current()));
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{1, 0}));
  count(publisher, 0, 1);
  EXPECT_EQ(publisher.reclaim(), 0U);
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{1, 1})) << "after the first is freed";
}

// As the XDP program does.
TEST(Publisher, WhatIsCountedElsewhereIsAddedAndResetToo) {
  RuleSetPublisher publisher(1, counting(1, {80, 81}));
  const std::uint32_t handle = publisher.current().rules()[1].handle;
  std::uint64_t elsewhere = 10;
  publisher.count_elsewhere([&] {
    return std::map<std::uint32_t, RuleCounter>{{handle, {elsewhere, 60 * elsewhere}}};
  });
  count(publisher, 0, 1);
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{100, 111}));
  publisher.reset_counts();
  elsewhere = 15;
  EXPECT_EQ(packets(publisher), (std::vector<std::uint64_t>{0, 5}));
}

// Rules that ask a set whose elements count.
std::unique_ptr<const RuleSet> counting_elements(std::uint64_t generation,
                                                 const std::string& elements,
                                                 const RuleSet* previous = nullptr) {
  const std::string sets = "set s { type ipv4_addr; counter; elements = { " + elements + " } }";
  return test::compiled(test::table("ip saddr @s drop", {.sets = sets}),
                        {.generation = generation, .previous = previous});
}

TEST(Publisher, KeepsWhatElementsCounted) {
  RuleSetPublisher publisher(1, counting_elements(1, "192.0.2.1, 192.0.2.2"));
  const auto count_element = [&](std::uint32_t slot) {
    publisher.acquire(0).evaluation.counters.count(slot, 60);
  };
  count_element(publisher.current().counted_elements().at(1).slot);
  // Another order, one less and one more.
  publisher.publish(counting_elements(2, "192.0.2.3, 192.0.2.2", &publisher.current()));
  EXPECT_EQ(publisher.element_counts("s").at("192.0.2.2").packets, 1U);
  count_element(publisher.current().counted_elements().at(1).slot);
  EXPECT_EQ(publisher.reclaim(), 0U);
  EXPECT_EQ(publisher.element_counts("s").at("192.0.2.2").packets, 2U);
  EXPECT_EQ(publisher.element_counts("s").at("192.0.2.2").bytes, 120U);
  EXPECT_EQ(publisher.element_counts("s").at("192.0.2.3").packets, 0U);
  EXPECT_FALSE(publisher.element_counts("s").contains("192.0.2.1")) << "it is no element any more";
  publisher.reset_counts();
  EXPECT_EQ(publisher.element_counts("s").at("192.0.2.2").packets, 0U);
}

// What one reader of the tests below does: acquires, checks, and goes offline
// once in offline_period rounds (0: never).
struct Reader {
  RuleSetPublisher& publisher;
  std::size_t index;
  unsigned offline_period;
  const std::atomic<bool>& stop;
  // Accesses to these two are relaxed: they must not order what the
  // publisher's own atomics have to.
  std::atomic<std::uint64_t>& acquired;
  std::uint64_t failures = 0;

  void run() {
    std::uint64_t last_generation = 0;
    for (std::uint64_t round = 1; !stop.load(std::memory_order_relaxed); ++round) {
      const RuleSet& rules = publisher.acquire(index).rules;
      // Twice, as a batch does: the set must stay for all of it.
      if (!is_whole(rules) || rules.generation() < last_generation || !is_whole(rules)) ++failures;
      last_generation = rules.generation();
      if (offline_period != 0 && round % offline_period == 0) publisher.go_offline(index);
      acquired.store(round, std::memory_order_relaxed);
    }
    publisher.go_offline(index);
  }
};

// Run under ASan it shows that nothing is freed too early, under TSan that
// nothing is freed while a reader's last use isn't ordered before it.
void hammer(unsigned offline_period) {
  constexpr std::size_t kReaders = 4;
  constexpr std::uint64_t kGenerations = 10'000;
  constexpr std::uint64_t kRounds = 1000;
  RuleSetPublisher publisher(kReaders, rule_set(1));
  std::atomic<bool> stop{false};
  std::array<std::atomic<std::uint64_t>, kReaders> acquired = {};
  std::vector<Reader> readers;
  for (std::size_t i = 0; i < kReaders; ++i) {
    readers.push_back({publisher, i, offline_period, stop, acquired[i]});
  }
  std::vector<std::thread> threads;
  threads.reserve(readers.size());
  for (Reader& reader : readers) threads.emplace_back([&] { reader.run(); });

  const auto all_readers_took_part = [&] {
    return std::all_of(acquired.begin(), acquired.end(), [](const auto& rounds) {
      return rounds.load(std::memory_order_relaxed) >= kRounds;
    });
  };
  std::uint64_t generation = 1;
  while (generation < kGenerations || !all_readers_took_part()) {
    publisher.publish(rule_set(++generation));
  }
  stop.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(publisher.reclaim(), 0U);
  EXPECT_TRUE(is_whole(publisher.current()));
  EXPECT_EQ(publisher.current().generation(), generation);
  for (const Reader& reader : readers) EXPECT_EQ(reader.failures, 0U);
}

TEST(Publisher, SurvivesReloadsUnderReadersThatStayOnline) { hammer(0); }
TEST(Publisher, SurvivesReloadsUnderReadersThatComeAndGo) { hammer(1); }
TEST(Publisher, SurvivesReloadsUnderReadersThatPauseNowAndThen) { hammer(7); }

}  // namespace
}  // namespace afxfw
