#include <fmt/format.h>

#include <utility>

#include "rules/rule_set.h"

namespace afxfw {
namespace {

class SourcesParser {
 public:
  SourcesParser(const RuleSetSources& sources, ParsedRuleSet& result, TextErrors& errors)
      : sources_(sources), result_(result), errors_(errors) {}

  RuleSet::Parts run() {
    const std::vector<Prefix> allow = parse_all(sources_.allowlists);
    const std::vector<Prefix> block = parse_all(sources_.blocklists);
    std::shared_ptr<RuleTable> table = parse_table();
    if (table) add_set_lists(*table);
    RuleSet::Parts parts;
    if (!errors_.empty()) return parts;
    if (!sources_.allowlists.empty()) {
      parts.allow = std::make_shared<const AddressTables>(AddressTables::build(allow));
    }
    if (!sources_.blocklists.empty()) {
      parts.block = std::make_shared<const AddressTables>(AddressTables::build(block));
    }
    parts.table = std::move(table);
    return parts;
  }

 private:
  /// Adds a list's prefixes; what is wrong goes to errors.
  void parse(const ListText& list, std::vector<Prefix>& prefixes) {
    auto parsed = parse_list(list.text, list.name, sources_.list_options);
    if (!parsed) {
      errors_.append(std::move(parsed.error()));
      return;
    }
    result_.skipped.append(std::move(parsed->skipped));
    result_.host_bits_lines += parsed->host_bits_lines;
    if (prefixes.empty()) {
      prefixes = std::move(parsed->prefixes);
    } else {
      prefixes.insert(prefixes.end(), parsed->prefixes.begin(), parsed->prefixes.end());
    }
  }

  std::vector<Prefix> parse_all(const std::vector<ListText>& lists) {
    std::vector<Prefix> prefixes;
    for (const ListText& list : lists) parse(list, prefixes);
    return prefixes;
  }

  std::shared_ptr<RuleTable> parse_table() {
    if (!sources_.rules) {
      for (const auto& [name, list] : sources_.set_lists) {
        errors_.add({"--set", 0, 1, name, "sets belong to rules; give them with --rules FILE"});
      }
      return nullptr;
    }
    auto table = nft::parse_rules(*sources_.rules, sources_.include);
    if (!table) {
      errors_.append(std::move(table.error()));
      return nullptr;
    }
    std::size_t rules = 0;
    for (const nft::Chain& chain : table->chains) rules += chain.rules.size();
    constexpr std::size_t kMostRules = 65'000;  // what Verdict::rule can tell apart
    if (rules > kMostRules) {
      errors_.add({sources_.rules->name, 0, 1, "",
                   fmt::format("{} rules; afxfw takes {} at most", rules, kMostRules)});
      return nullptr;
    }
    return std::make_shared<RuleTable>(RuleTable{std::move(*table)});
  }

  void add_set_lists(RuleTable& table) {
    for (const auto& [name, list] : sources_.set_lists) {
      const nft::Set* set = table.table.find_set(name);
      if (set == nullptr) {
        errors_.add({"--set", 0, 1, name, "the rules have no set of this name"});
        continue;
      }
      const nft::Type type = set->types.front()->type;
      if (set->types.size() != 1 || !nft::has_prefixes(type) || !set->intervals) {
        errors_.add({"--set", 0, 1, name,
                     "only a set of type ipv4_addr or ipv6_addr with flags interval can be filled "
                     "from a list"});
        continue;
      }
      std::vector<Prefix> prefixes;
      parse(list, prefixes);
      const Family family = type == nft::Type::kIpv4Address ? Family::kIpv4 : Family::kIpv6;
      std::vector<Prefix>& own = table.set_prefixes[name];
      for (const Prefix& prefix : prefixes) {
        if (prefix.family() == family) own.push_back(prefix);
      }
    }
  }

  const RuleSetSources& sources_;
  ParsedRuleSet& result_;
  TextErrors& errors_;
};

}  // namespace

tl::expected<ParsedRuleSet, TextErrors> parse(const RuleSetSources& sources) {
  ParsedRuleSet result;
  TextErrors errors;
  result.parts = SourcesParser(sources, result, errors).run();
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return result;
}

tl::expected<CompiledRuleSet, TextErrors> compile(const RuleSetSources& sources,
                                                  std::uint64_t generation,
                                                  const RuleSet* previous) {
  auto parsed = parse(sources);
  if (!parsed) return tl::unexpected(std::move(parsed.error()));
  parsed->parts.previous = previous;
  auto rules = RuleSet::build(generation, parsed->parts);
  if (!rules) return tl::unexpected(std::move(rules.error()));
  return CompiledRuleSet{std::move(*rules), std::move(parsed->skipped), parsed->host_bits_lines};
}

}  // namespace afxfw
