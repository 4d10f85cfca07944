#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/address.h"
#include "rules/address_set.h"
#include "rules/evaluation.h"
#include "rules/list_parser.h"
#include "rules/nft_ast.h"
#include "rules/nft_parser.h"
#include "rules/rule_program.h"
#include "rules/verdict.h"
#include "util/text_error.h"

namespace afxfw {

/// One rule, as status shows it.
struct Rule {
  /// What identifies the rule to a user; the same rule keeps it over reloads.
  std::uint32_t handle = 0;
  /// In nftables' language.
  std::string text{};
  std::string comment{};
  /// Where it stands; "": in front of all chains.
  std::string chain{};
  /// Index of its counter, or kNoSlot if it does not count.
  std::uint32_t slot = kNoSlot;
  /// What the counter starts from.
  RuleCounter initial{};
  /// Of its log statement.
  std::string log_prefix{};
};

/// An element of a set with counters.
struct CountedElement {
  std::string set;
  std::string text;
  std::uint32_t slot = 0;
};

/// A change to one of the lists.
struct ListChange {
  enum class List { kAllow, kBlock };

  List list;
  PrefixChange change;
};

/// A rule file, parsed, with the prefixes that lists add to its sets.
struct RuleTable {
  nft::Table table;
  std::map<std::string, std::vector<Prefix>, std::less<>> set_prefixes{};
  /// Of a table that was made from another one: that one, whose files the places of
  /// this table point into.
  std::shared_ptr<const RuleTable> origin{};
};

/// Which addresses of a batch the lists have; none is in both.
struct ListHits {
  Members allowed = 0;
  Members blocked = 0;  ///< and not allowed
};

/// The compiled rules: an allowlist and a blocklist of source addresses, then a
/// rule file's rules and policy; without a file, what the lists do not name is
/// accepted. Immutable but for token buckets, so any number of threads may ask at
/// once; workers get it from a RuleSetPublisher.
///
/// Each list that was given makes two rules, one a family, even if it is empty:
///
///   handle 1  ip saddr @allowlist accept     handle 3  ip saddr @blocklist drop
///   handle 2  ip6 saddr @allowlist accept    handle 4  ip6 saddr @blocklist drop
class RuleSet {
 public:
  /// What to compile. What is absent makes no rule; an empty list does.
  struct Parts {
    std::shared_ptr<const AddressTables> allow;
    std::shared_ptr<const AddressTables> block;
    std::shared_ptr<const RuleTable> table;
    /// Rules of the set that this one replaces keep their handles. May be null.
    const RuleSet* previous = nullptr;
    /// Since the table was loaded: older elements have expired.
    std::uint64_t age_s = 0;
  };

  ~RuleSet() = default;
  RuleSet(RuleSet&&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;
  RuleSet& operator=(RuleSet&&) = delete;

  /// generation: from 1, growing by each set that is published.
  [[nodiscard]] static tl::expected<std::unique_ptr<const RuleSet>, TextErrors> build(
      std::uint64_t generation, const Parts& parts);

  /// The same rules when the table is age_s old; lists are shared, not built anew.
  [[nodiscard]] std::unique_ptr<const RuleSet> aged(std::uint64_t generation,
                                                    std::uint64_t age_s) const;
  /// The same rules, with their handles and counters, after changes to the lists, of which
  /// later ones win. Shares everything else with this set, token buckets too; takes
  /// microseconds, see AddressSet. Null if a change is to a list that was not given.
  [[nodiscard]] std::unique_ptr<const RuleSet> with_list_changes(
      std::uint64_t generation, std::span<const ListChange> changes) const;
  /// The same set with what was changed merged into its lists, see AddressSet.
  [[nodiscard]] std::unique_ptr<const RuleSet> with_merged_lists(std::uint64_t generation) const;

  /// The same rules with other lists in place of those that were given; what was not
  /// given is left out.
  [[nodiscard]] std::unique_ptr<const RuleSet> with_lists(
      std::uint64_t generation, std::shared_ptr<const AddressTables> allow,
      std::shared_ptr<const AddressTables> block) const;
  /// Another object of the same rules, which shares all that is large.
  [[nodiscard]] std::unique_ptr<const RuleSet> copy() const {
    return std::unique_ptr<const RuleSet>(new RuleSet(*this));
  }

  /// The age at which the next element expires; nothing: none will.
  [[nodiscard]] std::optional<std::uint64_t> next_expiry_s() const noexcept {
    return next_expiry_s_;
  }

  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

  /// In the order in which they are asked, chain after chain.
  [[nodiscard]] std::span<const Rule> rules() const noexcept { return rules_; }

  /// Of all sets with counters, in the order of the file, then of their lists.
  [[nodiscard]] std::vector<CountedElement> counted_elements() const;

  /// How many counters its Evaluation needs.
  [[nodiscard]] std::size_t counter_slots() const noexcept { return counter_slots_; }

  /// Handles of the blocklist's rules.
  static constexpr std::uint32_t kBlockedIpv4Handle = 3;
  static constexpr std::uint32_t kBlockedIpv6Handle = 4;

  /// Which of these addresses (Ipv4Bits, Ipv6Bits), at most kAskedAtOnce, the lists have.
  template <typename Bits>
  [[nodiscard]] ListHits find_in_lists(std::span<const Bits> sources) const noexcept;

  /// What becomes of packets from them, by the IP version.
  [[nodiscard]] const CountedVerdict& on_allowed(unsigned version) const noexcept {
    return version == 4 ? on_allow_.ipv4 : on_allow_.ipv6;
  }
  [[nodiscard]] const CountedVerdict& on_blocked(unsigned version) const noexcept {
    return version == 4 ? on_block_.ipv4 : on_block_.ipv6;
  }

  /// Whether Evaluation::now_ns is asked for.
  [[nodiscard]] bool needs_time() const noexcept { return program_ && program_->needs_time(); }

  /// What keeps a link alive and rules name all the same, as bits of enum
  /// afxfw_link_traffic: the XDP program has to send it to the worker.
  [[nodiscard]] std::uint32_t link_traffic() const noexcept;

  /// Whether any rule asks for a log line.
  [[nodiscard]] bool logs() const noexcept { return logs_; }

  /// The rule file's rules, or null.
  [[nodiscard]] const RuleProgram* program() const noexcept { return program_.get(); }
  [[nodiscard]] const RuleTable* table() const noexcept { return parts_.table.get(); }

  /// Null: not given.
  [[nodiscard]] const AddressTables* allowlist() const noexcept { return parts_.allow.get(); }
  [[nodiscard]] const AddressTables* blocklist() const noexcept { return parts_.block.get(); }

  /// What it was compiled from, without previous.
  [[nodiscard]] const Parts& parts() const noexcept { return parts_; }

  /// Heap memory of the tables.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  /// What a list's rules, one a family, do.
  struct ListDecisions {
    CountedVerdict ipv4;
    CountedVerdict ipv6;
  };

  RuleSet(std::uint64_t generation, const Parts& parts);
  RuleSet(const RuleSet&) = default;

  [[nodiscard]] std::uint16_t add_rule(Rule rule);
  [[nodiscard]] std::uint32_t add_slots(std::size_t count) noexcept;
  [[nodiscard]] ListDecisions add_list_rules(std::uint32_t handle, std::string_view list,
                                             Verdict verdict);
  void add_table_rules(const RuleSet* previous);
  [[nodiscard]] TextErrors compile_table(std::uint64_t age_s);
  void find_next_expiry(std::uint64_t age_s) noexcept;

  Parts parts_;
  ListDecisions on_allow_;
  ListDecisions on_block_;
  std::shared_ptr<const RuleProgram> program_;
  std::uint64_t generation_;
  std::vector<Rule> rules_;
  std::size_t first_table_rule_ = 0;
  std::map<const nft::Set*, std::uint32_t> element_slots_;
  std::size_t counter_slots_ = 0;
  bool logs_ = false;
  std::uint32_t next_handle_ = kFirstTableHandle;
  std::optional<std::uint64_t> next_expiry_s_;

  static constexpr std::uint32_t kFirstTableHandle = 5;
};

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
  std::optional<nft::SourceFile> rules;
  nft::IncludeReader include;
  /// Further elements of the rules' sets, by the set's name.
  std::vector<std::pair<std::string, ListText>> set_lists;
};

struct CompiledRuleSet {
  std::unique_ptr<const RuleSet> rules;
  TextErrors skipped;               ///< lines left out by skip_bad_lines
  std::size_t host_bits_lines = 0;  ///< see ParsedList
};

/// Parses all there is and builds the set, or returns what is wrong in all of it.
/// generation: see RuleSet. previous: see RuleSet::Parts. Pure; for a million
/// prefixes it takes some tenths of a second, so it has no place in a worker's
/// thread.
[[nodiscard]] tl::expected<CompiledRuleSet, TextErrors> compile(const RuleSetSources& sources,
                                                                std::uint64_t generation,
                                                                const RuleSet* previous = nullptr);

struct ParsedRuleSet {
  RuleSet::Parts parts;
  TextErrors skipped;
  std::size_t host_bits_lines = 0;
};

/// compile() without what RuleSet::build() does.
[[nodiscard]] tl::expected<ParsedRuleSet, TextErrors> parse(const RuleSetSources& sources);

}  // namespace afxfw
