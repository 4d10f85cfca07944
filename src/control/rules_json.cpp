#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "control/listing_json.h"
#include "rules/nft_listing.h"
#include "util/json.h"

namespace afxfw {

namespace {

Json rule_json(const Rule& rule, const RuleCounter& counter) {
  Json json = {{"handle", rule.handle},   {"chain", rule.chain}, {"text", rule.text},
               {"comment", rule.comment}, {"packets", nullptr},  {"bytes", nullptr}};
  if (rule.slot != kNoSlot) {
    json["packets"] = counter.packets;
    json["bytes"] = counter.bytes;
  }
  return json;
}

/// The table's chains, with what their counters are at.
std::string chains_text(const RuleSet& rules, const std::vector<RuleCounter>& counts,
                        std::size_t first) {
  const nft::Table& table = rules.table()->table;
  nft::Table shown;
  shown.name = table.name;
  shown.comment = table.comment;
  shown.chains = table.chains;
  std::vector<std::vector<std::size_t>> index;  // by chain and rule
  std::size_t next = first;
  for (nft::Chain& chain : shown.chains) {
    index.emplace_back();
    for (nft::RuleText& rule : chain.rules) {
      for (nft::Statement& statement : rule.statements) {
        if (auto* counter = std::get_if<nft::CounterStatement>(&statement)) {
          *counter = {counts[next].packets, counts[next].bytes};
        }
      }
      index.back().push_back(next++);
    }
  }
  nft::ListingOptions options;
  options.zero_counts = true;
  options.rule_note = [&](std::size_t chain, std::size_t rule) {
    return fmt::format("handle {}", rules.rules()[index[chain][rule]].handle);
  };
  return nft::to_text(shown, options);
}

std::string rules_text(const RuleSet& rules, const std::vector<RuleCounter>& counts) {
  std::string text;
  std::size_t implied = 0;
  for (const Rule& rule : rules.rules()) {
    if (!rule.chain.empty()) break;
    // "ip saddr @blocklist drop", with its counter in front of the verdict.
    const std::size_t verdict = rule.text.find_last_of(' ');
    text += fmt::format("{} counter packets {} bytes {}{} # handle {}\n",
                        rule.text.substr(0, verdict), counts[implied].packets,
                        counts[implied].bytes, rule.text.substr(verdict), rule.handle);
    ++implied;
  }
  if (rules.table() != nullptr) text += chains_text(rules, counts, implied);
  return text;
}

}  // namespace

Json rules_json(const LiveRules& rules) {
  const RuleSet& current = rules.current();
  const std::vector<RuleCounter> counts = rules.publisher().counts();
  Json json = {{"rules", Json::array()}};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    json["rules"].push_back(rule_json(current.rules()[i], counts[i]));
  }
  json["text"] = rules_text(current, counts);
  return json;
}

}  // namespace afxfw
