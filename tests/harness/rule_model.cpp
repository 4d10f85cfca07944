#include "harness/rule_model.h"

#include <algorithm>
#include <vector>

#include "rules/packet_fields.h"

namespace afxfw::test {
namespace {

using nft::Comparison;
using nft::Value;
using nft::VerdictStatement;

bool has(const nft::Element& element, const std::vector<Value>& values) {
  return std::equal(element.key.begin(), element.key.end(), values.begin(),
                    [](const nft::Interval& part, Value value) {
                      return part.low <= value && value <= part.high;
                    });
}

bool compare(Comparison comparison, Value value, Value operand) {
  switch (comparison) {
    case Comparison::kLess:
      return value < operand;
    case Comparison::kLessOrEqual:
      return value <= operand;
    case Comparison::kGreater:
      return value > operand;
    case Comparison::kGreaterOrEqual:
      return value >= operand;
    case Comparison::kAnyBit:
      return (value & operand) != 0;
    case Comparison::kNoBit:
      return (value & operand) == 0;
    case Comparison::kEqual:
    case Comparison::kNotEqual:
      break;
  }
  return false;
}

template <typename Statement>
bool any_rule_has(const nft::Table& table) {
  for (const nft::Chain& chain : table.chains) {
    for (const nft::RuleText& rule : chain.rules) {
      for (const nft::Statement& statement : rule.statements) {
        if (std::holds_alternative<Statement>(statement)) return true;
      }
    }
  }
  return false;
}

}  // namespace

RuleModel::RuleModel(const RuleTable& table)
    : table_(table), base_(find_chain(table.table.base_chain()->name)) {}

bool RuleModel::applies() const noexcept {
  return !any_rule_has<nft::LimitStatement>(table_.table);
}

RuleModel::Outcome RuleModel::judge(const PacketView& packet) {
  packet_ = &packet;
  link_traffic_ = !packet.ok()                     ? LinkTraffic::kNotIp
                  : is_neighbour_discovery(packet) ? LinkTraffic::kNeighbourDiscovery
                                                   : LinkTraffic::kNo;
  outcome_ = {};
  if (!run(base_) && link_traffic_ == LinkTraffic::kNo) {
    outcome_.drop = table_.table.base_chain()->base->drop;
  }
  return outcome_;
}

bool RuleModel::run(std::size_t chain) {
  const std::vector<nft::RuleText>& rules = table_.table.chains[chain].rules;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!is_asked(chain, rules[i])) continue;
    for (const nft::Statement& statement : rules[i].statements) {
      if (const auto* match = std::get_if<nft::Match>(&statement)) {
        if (!holds(*match)) break;
      } else if (std::holds_alternative<nft::CounterStatement>(statement)) {
        counted_[{chain, i}] += {1, packet_->frame_length};
      } else if (std::holds_alternative<nft::LogStatement>(statement)) {
        ++outcome_.logged;
      } else if (const auto* verdict = std::get_if<VerdictStatement>(&statement)) {
        switch (verdict->kind) {
          case VerdictStatement::Kind::kAccept:
          case VerdictStatement::Kind::kDrop:
            outcome_.drop = verdict->kind == VerdictStatement::Kind::kDrop;
            outcome_.rule = {chain, i};
            return true;
          case VerdictStatement::Kind::kJump:
            if (run(find_chain(verdict->chain))) return true;
            break;
          case VerdictStatement::Kind::kGoto:
            return run(find_chain(verdict->chain));
          case VerdictStatement::Kind::kReturn:
            return false;
          case VerdictStatement::Kind::kContinue:
            break;
        }
      }
    }
  }
  return false;
}

bool RuleModel::is_asked(std::size_t chain, const nft::RuleText& rule) const {
  if (link_traffic_ == LinkTraffic::kNo || chain != base_) return true;
  return std::any_of(
      rule.statements.begin(), rule.statements.end(), [&](const nft::Statement& statement) {
        const auto* match = std::get_if<nft::Match>(&statement);
        if (match == nullptr) return false;
        return std::any_of(match->fields.begin(), match->fields.end(), [&](nft::Field field) {
          const nft::FieldInfo& info = nft::info(field);
          if (link_traffic_ == LinkTraffic::kNeighbourDiscovery) return info.header == "icmpv6";
          return info.header == "ether" || info.header == "vlan" ||
                 field == nft::Field::kMetaProtocol;
        });
      });
}

bool RuleModel::holds(const nft::Match& match) const {
  std::vector<Value> values;
  for (const nft::Field field : match.fields) {
    const auto value = load(field, *packet_);
    if (!value) return false;
    values.push_back(*value);
  }
  if (match.mask) values.front() &= *match.mask;
  if (match.comparison != Comparison::kEqual && match.comparison != Comparison::kNotEqual) {
    return compare(match.comparison, values.front(), match.elements.front().key.front().low);
  }
  const auto in = [&](const std::vector<nft::Element>& elements) {
    return std::any_of(elements.begin(), elements.end(),
                       [&](const nft::Element& element) { return has(element, values); });
  };
  bool found = false;
  if (match.set_name.empty()) {
    found = in(match.elements);
  } else {
    found = in(table_.table.find_set(match.set_name)->elements);
    const auto more = table_.set_prefixes.find(match.set_name);
    if (more != table_.set_prefixes.end()) {
      found =
          found || std::any_of(more->second.begin(), more->second.end(), [&](const Prefix& prefix) {
            return prefix.first() <= values.front() && values.front() <= prefix.last();
          });
    }
  }
  return found == (match.comparison == Comparison::kEqual);
}

std::size_t RuleModel::find_chain(std::string_view name) const {
  const std::vector<nft::Chain>& chains = table_.table.chains;
  return static_cast<std::size_t>(
      std::find_if(chains.begin(), chains.end(),
                   [&](const nft::Chain& chain) { return chain.name == name; }) -
      chains.begin());
}

std::size_t RuleModel::index(const RuleSet& rules, RulePlace place) const {
  std::size_t of_table = 0;
  for (const nft::Chain& chain : table_.table.chains) of_table += chain.rules.size();
  std::size_t index = rules.rules().size() - of_table + place.second;
  for (std::size_t i = 0; i < place.first; ++i) index += table_.table.chains[i].rules.size();
  return index;
}

}  // namespace afxfw::test
