#include "engine/live_rules.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "rules/evaluation.h"

namespace afxfw {
namespace {

using Texts = std::vector<std::string>;

/// A directory of its own, gone at the end.
class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "afxfw-live-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
    return path_ + "/" + name;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

const char* const kRules =
    "table netdev t {\n"
    "set bad { type ipv4_addr; elements = { 192.0.2.1 } }\n"
    "chain c { type filter hook ingress device \"eth0\" priority 0;\n"
    "ip saddr @bad drop\n}\n}\n";

class LiveRulesTest : public testing::Test {
 protected:
  void start(const RuleFiles& files, const std::string& state_file = "") {
    live_.reset();
    live_ = std::make_unique<LiveRules>(
        LiveRules::Options{
            .files = files,
            .interface = "eth0",
            .readers = 1,
            .state_file = state_file,
            .on_event = [this](const Event& event) { events_.emplace_back(event.kind); },
            .on_published = [this] { ++published_; }},
        load_rules_for(files, "eth0"));
  }

  /// Does what the loop does, until the condition holds.
  template <typename Condition>
  void run_until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "not within 20 s";
      std::vector<pollfd> fds;
      for (const int fd : live_->background_fds()) fds.push_back({fd, POLLIN, 0});
      if (poll(fds.data(), fds.size(), 10) > 0) live_->finish_background();
      live_->housekeep();
    }
  }

  ChangeOutcome change(const ElementChange& change) {
    std::optional<tl::expected<ChangeOutcome, ChangeError>> result;
    live_->change(change, [&](auto outcome) { result = std::move(outcome); });
    run_until([&] { return result.has_value(); });
    EXPECT_TRUE(result->has_value()) << result->error().message;
    return result->value_or(ChangeOutcome{});
  }
  ChangeOutcome add(const std::string& set, const Texts& elements,
                    std::optional<std::uint64_t> timeout_s = {}) {
    return change({.kind = ElementChange::Kind::kAdd,
                   .set = set,
                   .elements = elements,
                   .timeout_s = timeout_s});
  }
  ChangeOutcome remove(const std::string& set, const Texts& elements) {
    return change({.kind = ElementChange::Kind::kDelete, .set = set, .elements = elements});
  }

  RuleFiles blocklist(const std::string& text) {
    RuleFiles files;
    files.blocklists = {directory_.write("block", text)};
    return files;
  }
  RuleFiles rules() {
    RuleFiles files;
    files.rules = directory_.write("rules", kRules);
    return files;
  }

  bool blocked(const std::string& address) {
    const std::array<Ipv4Bits, 1> source = {parse_ipv4(address).value()};
    return live_->current().find_in_lists(std::span<const Ipv4Bits>(source)).blocked != 0;
  }

  Directory directory_;
  std::unique_ptr<LiveRules> live_;
  Texts events_;
  int published_ = 0;
};

TEST_F(LiveRulesTest, AListThatWasNotGivenAppears) {
  start({});
  EXPECT_TRUE(live_->current().rules().empty());
  EXPECT_EQ(add("blocklist", {"192.0.2.1"}).changed, 1U);
  EXPECT_TRUE(blocked("192.0.2.1"));
  EXPECT_FALSE(blocked("192.0.2.2"));
  EXPECT_EQ(live_->current().rules().size(), 2U);
  EXPECT_EQ(events_, (Texts{"add"}));
}

TEST_F(LiveRulesTest, AChangeToAListIsInForceAtOnce) {
  start(blocklist("198.51.100.0/24\n"));
  const auto generation = live_->current().generation();
  bool done = false;
  live_->change({.set = "blocklist", .elements = {"192.0.2.1"}}, [&](const auto&) { done = true; });
  EXPECT_TRUE(done);
  EXPECT_TRUE(blocked("192.0.2.1"));
  EXPECT_TRUE(blocked("198.51.100.9"));
  EXPECT_EQ(live_->current().generation(), generation + 1);
  EXPECT_EQ(published_, 1);
}

TEST_F(LiveRulesTest, DeletingWhatWasAddedLeavesNothing) {
  start(blocklist("198.51.100.0/24\n"));
  add("blocklist", {"192.0.2.1"});
  EXPECT_EQ(remove("blocklist", {"192.0.2.1"}).changed, 1U);
  EXPECT_TRUE(live_->run_time_changes().block.changes.empty());
  // What a file has is hidden instead.
  remove("blocklist", {"198.51.100.9"});
  EXPECT_EQ(live_->run_time_changes().block.changes.entries().size(), 1U);
  EXPECT_FALSE(blocked("198.51.100.9"));
  const ChangeOutcome none = remove("blocklist", {"203.0.113.1"});
  EXPECT_EQ(none.changed, 0U);
  EXPECT_EQ(none.notes, (Texts{"1 was not in the blocklist"}));
}

TEST_F(LiveRulesTest, ChangesDuringAReloadAreInForceAfterIt) {
  start(blocklist("198.51.100.0/24\n"));
  directory_.write("block", "203.0.113.0/24\n");
  bool done = false;
  live_->reload({}, [&](const auto& outcome) { done = outcome.has_value(); });
  add("blocklist", {"192.0.2.1"});
  EXPECT_TRUE(blocked("192.0.2.1"));
  run_until([&] { return done; });
  EXPECT_TRUE(blocked("192.0.2.1"));
  EXPECT_TRUE(blocked("203.0.113.1"));
  EXPECT_FALSE(blocked("198.51.100.1"));
}

TEST_F(LiveRulesTest, ASecondReloadMeanwhileIsTold) {
  start(blocklist("198.51.100.0/24\n"));
  bool done = false;
  live_->reload({}, [&](const auto&) { done = true; });
  std::string told;
  live_->reload({}, [&](const auto& outcome) { told = outcome.error().message; });
  EXPECT_NE(told.find("a reload is running"), std::string::npos);
  run_until([&] { return done; });
}

TEST_F(LiveRulesTest, ExpiryDuringAReloadIsNotLost) {
  start(blocklist("198.51.100.0/24\n"));
  add("blocklist", {"192.0.2.1"}, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(1010));
  bool done = false;
  live_->reload({}, [&](const auto&) { done = true; });
  live_->housekeep();
  EXPECT_FALSE(blocked("192.0.2.1"));
  run_until([&] { return done; });
  EXPECT_FALSE(blocked("192.0.2.1"));
  EXPECT_TRUE(blocked("198.51.100.1"));
}

TEST_F(LiveRulesTest, ManyChangesAreMergedAndNothingIsLostMeanwhile) {
  start(blocklist("198.51.100.0/24\n"));
  Texts many;
  for (std::uint32_t n = 0; n < kMergeRuns + 10; ++n)
    many.push_back(format_ipv4(0x0a000000 + 2 * n));
  add("blocklist", many);
  // The merge runs; what comes now must not be forgotten by it.
  add("blocklist", {"192.0.2.1"});
  remove("blocklist", {"10.0.0.0"});
  run_until([&] { return live_->current().blocklist()->overlay_size() < 10; });
  EXPECT_TRUE(blocked("10.0.0.2"));
  EXPECT_FALSE(blocked("10.0.0.0"));
  EXPECT_FALSE(blocked("10.0.0.1"));
  EXPECT_TRUE(blocked("192.0.2.1"));
  EXPECT_TRUE(blocked("198.51.100.1"));
}

TEST_F(LiveRulesTest, SetsAndListsThatWaitForEachOtherAreAllThere) {
  start(rules());
  std::size_t done = 0;
  const auto count = [&](const auto& outcome) { done += outcome.has_value() ? 1 : 0; };
  for (int n = 2; n < 6; ++n) {
    const std::string address = "192.0.2." + std::to_string(n);
    live_->change({.set = "bad", .elements = {address}}, count);
    live_->change({.set = "blocklist", .elements = {address}}, count);
    live_->change({.set = "allowlist", .elements = {"203.0.113." + std::to_string(n)}}, count);
  }
  run_until([&] { return done == 12; });
  const nft::Set* bad = live_->current().table()->table.find_set("bad");
  EXPECT_EQ(bad->elements.size(), 5U);
  EXPECT_EQ(live_->run_time_changes().block.changes.added(), 4U);
  EXPECT_EQ(live_->run_time_changes().allow.changes.added(), 4U);
  EXPECT_TRUE(blocked("192.0.2.5"));
}

TEST_F(LiveRulesTest, AReloadThatNobodyConfirmsGoesBack) {
  start(blocklist("198.51.100.0/24\n"));
  directory_.write("block", "203.0.113.0/24\n");
  bool done = false;
  live_->reload({.rules = {}, .confirm_s = 1, .by = "a test"}, [&](const auto&) { done = true; });
  run_until([&] { return done; });
  EXPECT_TRUE(blocked("203.0.113.1"));
  EXPECT_TRUE(live_->load_record().goes_back_at.has_value());
  run_until([&] { return blocked("198.51.100.1"); });
  EXPECT_FALSE(blocked("203.0.113.1"));
  EXPECT_FALSE(live_->confirm("a test").has_value());
}

TEST_F(LiveRulesTest, WhatWasKeptIsThereAgain) {
  RuleFiles files = rules();
  files.blocklists = blocklist("198.51.100.0/24\n").blocklists;
  start(files, directory_.path("state"));
  add("blocklist", {"192.0.2.1"});
  remove("blocklist", {"198.51.100.9"});
  add("bad", {"192.0.2.7"});
  start(files, directory_.path("state"));
  EXPECT_TRUE(blocked("192.0.2.1"));
  EXPECT_FALSE(blocked("198.51.100.9"));
  EXPECT_EQ(live_->current().table()->table.find_set("bad")->elements.size(), 2U);
}

TEST_F(LiveRulesTest, ManyThatExpireAtOnceAreOneEvent) {
  start(blocklist(""));
  Texts many;
  for (std::uint32_t n = 0; n < 1000; ++n) many.push_back(format_ipv4(0x0a000000 + 2 * n));
  add("blocklist", many, 1);
  add("blocklist", {"192.0.2.1"}, 1);
  run_until([&] { return live_->run_time_changes().block.changes.empty(); });
  EXPECT_FALSE(blocked("10.0.0.2"));
  EXPECT_LE(events_.size(), 4U);
  EXPECT_EQ(events_.back(), "expired");
}

TEST_F(LiveRulesTest, TheNextDeadlineIsThatOfTheFirstElement) {
  start(blocklist(""));
  EXPECT_FALSE(live_->next_deadline().has_value());
  const auto before = std::chrono::steady_clock::now();
  add("blocklist", {"192.0.2.1"}, 100);
  add("blocklist", {"192.0.2.2"}, 50);
  const auto left = *live_->next_deadline() - before;
  EXPECT_GT(left, std::chrono::seconds(49));
  EXPECT_LT(left, std::chrono::seconds(52));
}

}  // namespace
}  // namespace afxfw
