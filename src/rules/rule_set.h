#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "net/address.h"
#include "rules/list_parser.h"
#include "rules/prefix_set.h"
#include "rules/verdict.h"
#include "util/text_error.h"

namespace afxfw {

/// At most this many rules in a RuleSet: sizes the counters that each worker
/// keeps, which Verdict::rule indexes.
inline constexpr std::size_t kMaxRules = 4;

/// Packets that are judged at once.
inline constexpr std::size_t kJudgedAtOnce = 64;

/// One rule, as status shows it.
struct Rule {
  /// What identifies the rule to a user; the same rule keeps it over reloads.
  std::uint32_t handle;
  /// In nftables' language.
  std::string text;
};

/// The compiled rules: an allowlist and a blocklist of source addresses, asked in
/// that order; what neither names is accepted. Immutable, so any number of
/// threads may ask at once; workers get it from a RuleSetPublisher.
///
/// Each list that was given makes two rules, one a family, even if it is empty:
///
///   handle 1  ip saddr @allowlist accept     handle 3  ip saddr @blocklist drop
///   handle 2  ip6 saddr @allowlist accept    handle 4  ip6 saddr @blocklist drop
class RuleSet {
 public:
  /// What to compile. A list that is absent makes no rule; an empty one does.
  struct Lists {
    std::optional<std::span<const Prefix>> allow;
    std::optional<std::span<const Prefix>> block;
  };

  /// generation: from 1, growing by each set that is published.
  RuleSet(std::uint64_t generation, const Lists& lists);

  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

  /// In the order in which they are asked. The same lists given mean the same
  /// indices; a set compiled from other kinds of lists may order them anew.
  [[nodiscard]] std::span<const Rule> rules() const noexcept { return rules_; }

  /// What becomes of packets from these addresses (Ipv4Bits, Ipv6Bits), at most
  /// kJudgedAtOnce. verdicts: as many.
  template <typename Bits>
  void judge(std::span<const Bits> sources, std::span<Verdict> verdicts) const noexcept;

  template <typename Bits>
  [[nodiscard]] const PrefixSet<Bits>& allowlist() const noexcept {
    return tables_for<Bits>().allow;
  }
  template <typename Bits>
  [[nodiscard]] const PrefixSet<Bits>& blocklist() const noexcept {
    return tables_for<Bits>().block;
  }

  /// Heap memory of the tables.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  template <typename Bits>
  struct Tables {
    PrefixSet<Bits> allow;
    PrefixSet<Bits> block;
    Verdict on_allow;
    Verdict on_block;
  };

  template <typename Bits>
  [[nodiscard]] const Tables<Bits>& tables_for() const noexcept {
    static_assert(std::is_same_v<Bits, Ipv4Bits> || std::is_same_v<Bits, Ipv6Bits>);
    if constexpr (std::is_same_v<Bits, Ipv4Bits>) {
      return ipv4_;
    } else {
      return ipv6_;
    }
  }

  [[nodiscard]] std::uint16_t add_rule(std::uint32_t handle, std::string text);

  Tables<Ipv4Bits> ipv4_;
  Tables<Ipv6Bits> ipv6_;
  std::uint64_t generation_;
  std::vector<Rule> rules_;
};

extern template void RuleSet::judge(std::span<const Ipv4Bits> sources,
                                    std::span<Verdict> verdicts) const noexcept;
extern template void RuleSet::judge(std::span<const Ipv6Bits> sources,
                                    std::span<Verdict> verdicts) const noexcept;

/// A list file's text. name: for errors, usually its path.
struct ListText {
  std::string name;
  std::string text;
};

/// Everything rules are made from. No list of a kind: no rules of that kind.
struct RuleSetSources {
  std::vector<ListText> allowlists;
  std::vector<ListText> blocklists;
  ListOptions list_options;
};

struct CompiledRuleSet {
  std::unique_ptr<const RuleSet> rules;
  TextErrors skipped;               ///< lines left out by skip_bad_lines
  std::size_t host_bits_lines = 0;  ///< see ParsedList
};

/// Parses all lists and builds the set, or returns what is wrong in all of them.
/// generation: see RuleSet. Pure; for a million prefixes it takes some tenths of
/// a second, so it has no place in a worker's thread.
[[nodiscard]] tl::expected<CompiledRuleSet, TextErrors> compile(const RuleSetSources& sources,
                                                                std::uint64_t generation);

}  // namespace afxfw
