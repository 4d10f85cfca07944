#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "harness/packet.h"
#include "rules/evaluation.h"
#include "rules/rule_set.h"

/// Rules for tests, from their text:
///
///   RulesInUse rules(compiled(table("tcp dport 80 counter drop")));
///   EXPECT_EQ(rules.told(Ethernet{} / Ipv4{} / Tcp{.destination_port = 80}), "drop 1");
///   EXPECT_EQ(rules.packets(1), 1U);
namespace afxfw::test {

struct TableText {
  std::string sets{};
  std::string chains{};
  bool drop = false;  ///< the policy
};

/// A table in which packets enter a chain "in" with these rules, a line each.
[[nodiscard]] std::string table(const std::string& rules, const TableText& more = {});

struct CompileOptions {
  std::string blocklist{};
  std::uint64_t generation = 1;
  const RuleSet* previous = nullptr;
};

/// Throws std::invalid_argument with all that is wrong.
[[nodiscard]] std::unique_ptr<const RuleSet> compiled(const std::string& text,
                                                      const CompileOptions& options = {});

/// Rules, and what they counted.
class RulesInUse {
 public:
  explicit RulesInUse(std::unique_ptr<const RuleSet> rules)
      : rules_(std::move(rules)), evaluation_(rules_->counter_slots()) {}

  [[nodiscard]] Verdict judge(const Bytes& frame);
  /// "drop 3": the number of the rule that decided, from 1, in the order of the
  /// file; "accept policy" if none did, "drop blocklist", "drop malformed".
  [[nodiscard]] std::string told(const Bytes& frame);
  [[nodiscard]] std::string told(const Packet& packet) { return told(packet.bytes()); }

  /// What a rule counted, by the same number.
  [[nodiscard]] RuleCounter counted(std::size_t number) const;
  [[nodiscard]] std::uint64_t packets(std::size_t number) const { return counted(number).packets; }

  [[nodiscard]] const RuleSet& rules() const noexcept { return *rules_; }
  [[nodiscard]] Evaluation& evaluation() noexcept { return evaluation_; }

 private:
  std::unique_ptr<const RuleSet> rules_;
  Evaluation evaluation_;
};

}  // namespace afxfw::test
