#include "loading/rules_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/nft_listing.h"
#include "util/number_text.h"

namespace afxfw {
namespace {

/// Of a set: more say little to a person.
constexpr std::size_t kListedElements = 20;

std::size_t rules_of(const RuleSet& rules, std::size_t chain) {
  return rules.table()->table.chains[chain].rules.size();
}

std::string listing(const RuleSet& rules) {
  const std::size_t implied =
      static_cast<std::size_t>(std::count_if(rules.rules().begin(), rules.rules().end(),
                                             [](const Rule& rule) { return rule.chain.empty(); }));
  std::string text;
  for (std::size_t i = 0; i < implied; ++i) {
    text +=
        fmt::format("# first: {} # handle {}\n", rules.rules()[i].text, rules.rules()[i].handle);
  }
  if (rules.table() == nullptr) return text;
  nft::ListingOptions options;
  options.max_elements = kListedElements;
  options.rule_note = [&](std::size_t chain, std::size_t rule) {
    std::size_t index = implied + rule;
    for (std::size_t before = 0; before < chain; ++before) index += rules_of(rules, before);
    return fmt::format("handle {}", rules.rules()[index].handle);
  };
  return text + nft::to_text(rules.table()->table, options);
}

std::string sizes(const RuleSet& rules) {
  std::string text;
  const auto list = [&](const char* name, const AddressTables* tables) {
    if (tables == nullptr) return;
    text += fmt::format("{:<11}{} IPv4 and {} IPv6 ranges, {} KiB\n", name,
                        grouped(tables->ipv4.ranges()), grouped(tables->ipv6.ranges()),
                        grouped(tables->memory_bytes() / 1024));
  };
  list("allowlist", rules.allowlist());
  list("blocklist", rules.blocklist());
  if (rules.table() == nullptr) return text;
  const nft::Table& table = rules.table()->table;
  for (const nft::Set& set : table.sets) {
    const auto more = rules.table()->set_prefixes.find(set.name);
    const std::size_t prefixes =
        more == rules.table()->set_prefixes.end() ? 0 : more->second.size();
    text += fmt::format("{:<11}{}: {} elements\n", "set", set.name,
                        grouped(set.elements.size() + prefixes));
  }
  for (const nft::Chain& chain : table.chains) {
    text += fmt::format("{:<11}{}: {} rules{}\n", "chain", chain.name, grouped(chain.rules.size()),
                        !chain.base        ? ""
                        : chain.base->drop ? ", policy drop"
                                           : ", policy accept");
  }
  return text;
}

}  // namespace

std::string rules_report(const RuleSet& rules, double load_seconds) {
  return listing(rules) + "\n" + sizes(rules) +
         fmt::format("{:<11}{} KiB\n{:<11}{:.1f} ms\n", "memory",
                     grouped(rules.memory_bytes() / 1024), "load time", load_seconds * 1e3);
}

}  // namespace afxfw
