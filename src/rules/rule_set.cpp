#include "rules/rule_set.h"

#include <array>
#include <cassert>
#include <utility>

namespace afxfw {

RuleSet::RuleSet(std::uint64_t generation, const Lists& lists) : generation_(generation) {
  if (lists.allow) {
    ipv4_.allow = Ipv4PrefixSet::build(*lists.allow);
    ipv6_.allow = Ipv6PrefixSet::build(*lists.allow);
    const Verdict accept{Action::kAccept, DropReason::kNone, Verdict::kNoRule};
    ipv4_.on_allow = ipv6_.on_allow = accept;
    ipv4_.on_allow.rule = add_rule(1, "ip saddr @allowlist accept");
    ipv6_.on_allow.rule = add_rule(2, "ip6 saddr @allowlist accept");
  }
  if (lists.block) {
    ipv4_.block = Ipv4PrefixSet::build(*lists.block);
    ipv6_.block = Ipv6PrefixSet::build(*lists.block);
    const Verdict drop{Action::kDrop, DropReason::kBlocklist, Verdict::kNoRule};
    ipv4_.on_block = ipv6_.on_block = drop;
    ipv4_.on_block.rule = add_rule(3, "ip saddr @blocklist drop");
    ipv6_.on_block.rule = add_rule(4, "ip6 saddr @blocklist drop");
  }
}

template <typename Bits>
void RuleSet::judge(std::span<const Bits> sources, std::span<Verdict> verdicts) const noexcept {
  assert(sources.size() <= kJudgedAtOnce && verdicts.size() == sources.size());
  const Tables<Bits>& tables = tables_for<Bits>();
  std::array<bool, kJudgedAtOnce> allowed{};
  std::array<bool, kJudgedAtOnce> blocked{};
  if (!tables.allow.empty()) tables.allow.contains(sources, {allowed.data(), sources.size()});
  if (!tables.block.empty()) tables.block.contains(sources, {blocked.data(), sources.size()});
  for (std::size_t i = 0; i < sources.size(); ++i) {
    verdicts[i] = allowed[i] ? tables.on_allow : blocked[i] ? tables.on_block : Verdict{};
  }
}

template void RuleSet::judge(std::span<const Ipv4Bits> sources,
                             std::span<Verdict> verdicts) const noexcept;
template void RuleSet::judge(std::span<const Ipv6Bits> sources,
                             std::span<Verdict> verdicts) const noexcept;

std::uint16_t RuleSet::add_rule(std::uint32_t handle, std::string text) {
  assert(rules_.size() < kMaxRules);
  rules_.push_back({handle, std::move(text)});
  return static_cast<std::uint16_t>(rules_.size() - 1);
}

std::size_t RuleSet::memory_bytes() const noexcept {
  return ipv4_.allow.memory_bytes() + ipv4_.block.memory_bytes() + ipv6_.allow.memory_bytes() +
         ipv6_.block.memory_bytes();
}

namespace {

// Adds the prefixes of all lists of one kind; what is wrong goes to errors.
std::vector<Prefix> parse_all(const std::vector<ListText>& lists, ListOptions options,
                              CompiledRuleSet& result, TextErrors& errors) {
  std::vector<Prefix> prefixes;
  for (const ListText& list : lists) {
    auto parsed = parse_list(list.text, list.name, options);
    if (!parsed) {
      errors.append(std::move(parsed.error()));
      continue;
    }
    result.skipped.append(std::move(parsed->skipped));
    result.host_bits_lines += parsed->host_bits_lines;
    if (prefixes.empty()) {
      prefixes = std::move(parsed->prefixes);
    } else {
      prefixes.insert(prefixes.end(), parsed->prefixes.begin(), parsed->prefixes.end());
    }
  }
  return prefixes;
}

}  // namespace

tl::expected<CompiledRuleSet, TextErrors> compile(const RuleSetSources& sources,
                                                  std::uint64_t generation) {
  CompiledRuleSet result;
  TextErrors errors;
  const std::vector<Prefix> allow =
      parse_all(sources.allowlists, sources.list_options, result, errors);
  const std::vector<Prefix> block =
      parse_all(sources.blocklists, sources.list_options, result, errors);
  if (!errors.empty()) return tl::unexpected(std::move(errors));

  RuleSet::Lists lists;
  if (!sources.allowlists.empty()) lists.allow = allow;
  if (!sources.blocklists.empty()) lists.block = block;
  result.rules = std::make_unique<const RuleSet>(generation, lists);
  return result;
}

}  // namespace afxfw
