#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <string>

#include "rules/nft_ast.h"

namespace afxfw::nft {

/// A match, and a rule without its comment, as `nft list ruleset` writes them:
/// "ip saddr 192.0.2.0/24 tcp dport { 22, 80 } counter accept".
[[nodiscard]] std::string to_text(const Match& match);
[[nodiscard]] std::string to_text(const RuleText& rule);

/// An element's key: "192.0.2.0/24 . 80".
[[nodiscard]] std::string to_text(const Set& set, const Element& element);

struct ListingOptions {
  /// Of each set; what is left out is counted in a comment.
  std::size_t max_elements = std::numeric_limits<std::size_t>::max();
  /// What to write behind a rule, in a comment; "": nothing. chain: its index in
  /// the table, rule: that in the chain.
  std::function<std::string(std::size_t chain, std::size_t rule)> rule_note{};
  /// Whether counters of rules that are at 0 say so, as nft's do.
  bool zero_counts = false;
};

/// The whole table, normalised. Without max_elements it means what the table
/// means, to afxfw as well as to nft.
[[nodiscard]] std::string to_text(const Table& table, const ListingOptions& options = {});

}  // namespace afxfw::nft
