#include "rules/rule_compiler.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include "rules/rule_boxes.h"

namespace afxfw {
namespace {

using nft::Match;

/// The first address of each range and of what follows it.
void append_starts(const IntervalSet& values, std::vector<Ipv6Bits>& starts) {
  for (const nft::Interval& each : values.intervals()) {
    starts.push_back(each.low);
    if (each.high != nft::largest(128)) starts.push_back(each.high + 1);
  }
}

/// All combinations of the intervals of the five dimensions.
template <typename Source, typename Destination>
void append_boxes(const RuleBoxes& boxes, std::uint32_t rule, Source source,
                  Destination destination, std::vector<Box>& result) {
  const auto port = [](nft::Value value) { return static_cast<std::uint16_t>(value); };
  for (const nft::Interval& from : boxes.values(kSource).intervals()) {
    for (const nft::Interval& to : boxes.values(kDestination).intervals()) {
      for (const nft::Interval& from_port : boxes.values(kSourcePort).intervals()) {
        for (const nft::Interval& to_port : boxes.values(kDestinationPort).intervals()) {
          for (const nft::Interval& protocol : boxes.values(kProtocol).intervals()) {
            result.push_back({.source_low = source(from.low),
                              .source_high = source(from.high),
                              .destination_low = destination(to.low),
                              .destination_high = destination(to.high),
                              .source_port_low = port(from_port.low),
                              .source_port_high = port(from_port.high),
                              .destination_port_low = port(to_port.low),
                              .destination_port_high = port(to_port.high),
                              .protocol_low = port(protocol.low),
                              .protocol_high = port(protocol.high),
                              .rule = rule});
          }
        }
      }
    }
  }
}

class Compiler {
 public:
  Compiler(const nft::Table& table, const CompilerInput& input) : table_(table), input_(input) {}

  tl::expected<RuleProgram, TextErrors> run() {
    for (const nft::Set& set : table_.sets) compile_set(set);
    for (std::size_t i = 0; i < table_.chains.size(); ++i) {
      if (&table_.chains[i] == table_.base_chain()) parts_.base = i;
      parts_.chains.push_back(compile_chain(i));
    }
    if (table_.base_chain()->base->drop) {
      parts_.policy = {Action::kDrop, DropReason::kPolicy, Verdict::kNoRule};
    }
    if (!errors_.empty()) return tl::unexpected(std::move(errors_));
    return RuleProgram(std::move(parts_));
  }

 private:
  void compile_set(const nft::Set& set) {
    ElementSet::Source source;
    for (const nft::SetType* type : set.types) source.types.push_back(type->type);
    std::vector<nft::Element> alive;
    source.elements = set.elements;
    if (set.timeouts) {
      for (const nft::Element& element : set.elements) {
        alive.push_back(element);
        const auto expiry = expiry_s(set, element);
        // Its place stays, for the counters of those behind it.
        if (expiry && *expiry <= input_.age_s) alive.back().key.front() = {1, 0};
      }
      std::erase_if(alive, [&](const nft::Element& element) {
        return !set.counters && element.key.front().low > element.key.front().high;
      });
      source.elements = alive;
    }
    source.prefixes = input_.prefixes(set);
    source.distinguish = set.counters;
    add_set(&set, source, set.name, set.place);
  }

  const ElementSet* add_set(const void* key, const ElementSet::Source& source,
                            const std::string& name, const nft::Place& place) {
    auto built = ElementSet::build(source);
    if (!built) {
      errors_.add({place.file->name, place.line, place.column, name, built.error()});
      return nullptr;
    }
    parts_.sets.push_back(std::make_unique<ElementSet>(std::move(*built)));
    sets_[key] = parts_.sets.back().get();
    return parts_.sets.back().get();
  }

  std::uint32_t add_condition(const Match& match) {
    if (!match.set_name.empty()) {
      const nft::Set& set = *table_.find_set(match.set_name);
      const ElementSet* compiled = sets_[&set];
      if (compiled != nullptr) {
        parts_.conditions.emplace_back(match, *compiled,
                                       set.counters ? input_.element_slots(set) : kNoSlot);
      }
    } else if (match.fields.size() > 1) {
      ElementSet::Source source;
      for (const nft::Field field : match.fields) source.types.push_back(nft::info(field).type);
      source.elements = match.elements;
      const ElementSet* compiled = add_set(&match, source, "", match.place);
      if (compiled != nullptr) {
        parts_.conditions.emplace_back(match, *compiled, kNoSlot);
      }
    } else {
      parts_.conditions.emplace_back(match);
    }
    return static_cast<std::uint32_t>(parts_.conditions.size() - 1);
  }

  CompiledChain compile_chain(std::size_t chain) {
    CompiledChain result;
    std::vector<RuleBoxes> ipv4;
    std::vector<RuleBoxes> ipv6;
    const std::vector<nft::RuleText>& rules = table_.chains[chain].rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      ipv4.emplace_back(BoxFamily::kIpv4);
      ipv6.emplace_back(BoxFamily::kIpv6);
      result.rules.push_back(
          compile_rule(rules[i], input_.numbers(chain, i), ipv4.back(), ipv6.back()));
    }
    build_classifiers(ipv4, ipv6, result);
    return result;
  }

  CompiledRule compile_rule(const nft::RuleText& text, const RuleNumbers& numbers, RuleBoxes& ipv4,
                            RuleBoxes& ipv6) {
    CompiledRule rule;
    rule.rule = numbers.rule;
    bool leading = true;  // only matches so far: what boxes can stand for
    for (const nft::Statement& statement : text.statements) {
      if (const auto* match = std::get_if<Match>(&statement)) {
        for (const nft::Field field : match->fields) {
          rule.names_not_ip = rule.names_not_ip || nft::is_link_field(field);
          rule.names_neighbour_discovery =
              rule.names_neighbour_discovery || nft::is_neighbour_discovery_field(field);
        }
        // Both are narrowed down, also if the first says no.
        const bool all_ipv4 = leading && ipv4.narrow(*match);
        const bool all_ipv6 = leading && ipv6.narrow(*match);
        const std::uint32_t condition = add_condition(*match);
        if (all_ipv4 && all_ipv6) {
          rule.boxed_conditions.push_back(condition);
        } else {
          rule.steps.push_back({RuleStep::Kind::kCondition, condition});
        }
      } else {
        leading = false;
        rule.steps.push_back(compile_statement(statement, numbers));
      }
    }
    set_decision(rule);
    return rule;
  }

  RuleStep compile_statement(const nft::Statement& statement, const RuleNumbers& numbers) {
    if (std::holds_alternative<nft::CounterStatement>(statement)) {
      return {RuleStep::Kind::kCounter, numbers.slot};
    }
    if (const auto* limit = std::get_if<nft::LimitStatement>(&statement)) {
      parts_.limits.push_back(*limit);
      return {RuleStep::Kind::kLimit, static_cast<std::uint32_t>(parts_.limits.size() - 1)};
    }
    if (std::holds_alternative<nft::LogStatement>(statement)) return {RuleStep::Kind::kLog, 0};
    return compile_verdict(std::get<nft::VerdictStatement>(statement));
  }

  RuleStep compile_verdict(const nft::VerdictStatement& verdict) const {
    using Kind = nft::VerdictStatement::Kind;
    const auto target = [&] {
      return static_cast<std::uint32_t>(table_.find_chain(verdict.chain) - table_.chains.data());
    };
    switch (verdict.kind) {
      case Kind::kAccept:
        return {RuleStep::Kind::kAccept, 0};
      case Kind::kDrop:
        return {RuleStep::Kind::kDrop, 0};
      case Kind::kJump:
        return {RuleStep::Kind::kJump, target()};
      case Kind::kGoto:
        return {RuleStep::Kind::kGoto, target()};
      case Kind::kReturn:
        return {RuleStep::Kind::kReturn, 0};
      case Kind::kContinue:
        break;
    }
    return {RuleStep::Kind::kContinue, 0};
  }

  /// A rule that, once its boxes match, counts at most and then accepts or drops.
  static void set_decision(CompiledRule& rule) {
    std::span<const RuleStep> rest = rule.steps;
    CountedVerdict decision;
    if (!rest.empty() && rest.front().kind == RuleStep::Kind::kCounter) {
      decision.slot = rest.front().index;
      rest = rest.subspan(1);
    }
    if (rest.size() != 1) return;
    if (rest.front().kind == RuleStep::Kind::kAccept) {
      decision.verdict = {Action::kAccept, DropReason::kNone, rule.rule};
    } else if (rest.front().kind == RuleStep::Kind::kDrop) {
      decision.verdict = {Action::kDrop, DropReason::kRule, rule.rule};
    } else {
      return;
    }
    rule.decision = decision;
  }

  static void build_classifiers(const std::vector<RuleBoxes>& ipv4,
                                const std::vector<RuleBoxes>& ipv6, CompiledChain& chain) {
    std::vector<Box> boxes;
    const auto same = [](nft::Value value) { return static_cast<std::uint32_t>(value); };
    for (std::size_t i = 0; i < ipv4.size(); ++i) {
      append_boxes(ipv4[i], static_cast<std::uint32_t>(i), same, same, boxes);
    }
    chain.ipv4 = BoxClassifier::build(boxes);

    std::vector<Ipv6Bits> sources;
    std::vector<Ipv6Bits> destinations;
    for (const RuleBoxes& rule : ipv6) {
      append_starts(rule.values(kSource), sources);
      append_starts(rule.values(kDestination), destinations);
    }
    chain.ipv6_sources = AddressRanks(std::move(sources));
    chain.ipv6_destinations = AddressRanks(std::move(destinations));
    boxes.clear();
    for (std::size_t i = 0; i < ipv6.size(); ++i) {
      append_boxes(
          ipv6[i], static_cast<std::uint32_t>(i),
          [&](nft::Value value) { return chain.ipv6_sources.rank(value); },
          [&](nft::Value value) { return chain.ipv6_destinations.rank(value); }, boxes);
    }
    chain.ipv6 = BoxClassifier::build(boxes);
  }

  const nft::Table& table_;
  const CompilerInput& input_;
  TextErrors errors_;
  RuleProgram::Parts parts_;
  std::map<const void*, const ElementSet*> sets_;
};

}  // namespace

std::optional<std::uint64_t> expiry_s(const nft::Set& set, const nft::Element& element) noexcept {
  if (element.expires_s) return element.expires_s;
  if (element.timeout_s) return element.timeout_s;
  return set.timeout_s;
}

tl::expected<RuleProgram, TextErrors> compile_rules(const nft::Table& table,
                                                    const CompilerInput& input) {
  return Compiler(table, input).run();
}

}  // namespace afxfw
