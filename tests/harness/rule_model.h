#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "net/packet_view.h"
#include "rules/evaluation.h"
#include "rules/rule_set.h"

namespace afxfw::test {

/// A rule by its chain's place in the table and its own in the chain.
using RulePlace = std::pair<std::size_t, std::size_t>;

/// A rule file's rules carried out as they are written: chain by chain, rule by
/// rule, statement by statement, sets element by element. What the compiled rules
/// are compared with; shares with them what is parsed and how a field is read.
/// Knows no limits, and elements do not expire.
class RuleModel {
 public:
  /// table: outlives the model.
  explicit RuleModel(const RuleTable& table);

  /// The table has no limit, so that the model holds for it.
  [[nodiscard]] bool applies() const noexcept;

  struct Outcome {
    bool drop = false;
    std::optional<RulePlace> rule{};  ///< nothing: the policy, or nobody
    std::size_t logged = 0;

    friend bool operator==(const Outcome&, const Outcome&) = default;
  };

  /// The packet is not malformed, and no list has its source address.
  [[nodiscard]] Outcome judge(const PacketView& packet);

  /// What the rules with a counter have counted so far, without what they start from.
  [[nodiscard]] const std::map<RulePlace, RuleCounter>& counted() const noexcept {
    return counted_;
  }

  /// The index in RuleSet::rules() of a rule of this table.
  [[nodiscard]] std::size_t index(const RuleSet& rules, RulePlace place) const;

 private:
  /// Which packets besides IP's ordinary ones a rule of the base chain has to name.
  enum class LinkTraffic : std::uint8_t { kNo, kNotIp, kNeighbourDiscovery };

  /// True if there is a verdict, in outcome_; false: the chain came to its end.
  bool run(std::size_t chain);
  [[nodiscard]] bool is_asked(std::size_t chain, const nft::RuleText& rule) const;
  [[nodiscard]] bool holds(const nft::Match& match) const;
  [[nodiscard]] std::size_t find_chain(std::string_view name) const;

  const RuleTable& table_;
  std::size_t base_ = 0;
  std::map<RulePlace, RuleCounter> counted_;
  // Of the packet that is being judged.
  const PacketView* packet_ = nullptr;
  LinkTraffic link_traffic_ = LinkTraffic::kNo;
  Outcome outcome_;
};

}  // namespace afxfw::test
