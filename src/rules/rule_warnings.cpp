#include "rules/rule_warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <variant>

#include "net/packet_view.h"
#include "rules/nft_listing.h"
#include "rules/rule_boxes.h"

namespace afxfw {
namespace {

using nft::VerdictStatement;

std::string at(const nft::Place& place) {
  return fmt::format("{}:{}:{}", place.file->name, place.line, place.column);
}

/// What a rule's leading matches say: the boxes, and what boxes cannot say, as text.
struct Reach {
  RuleBoxes ipv4{BoxFamily::kIpv4};
  RuleBoxes ipv6{BoxFamily::kIpv6};
  std::vector<std::string> matches;  // sorted, as the next
  std::vector<std::string> further;
  bool ip_only = false;
  /// Only rules that name them are asked about packets that are not IP, and about
  /// neighbour discovery: where packets enter.
  bool names_not_ip = false;
  bool names_neighbour_discovery = false;
  bool ends = false;  // whatever gets here goes no further in the chain

  explicit Reach(const nft::RuleText& rule) {
    bool leading = true;
    for (const nft::Statement& statement : rule.statements) {
      if (const auto* match = std::get_if<nft::Match>(&statement)) {
        add_names(*match);
        // Not asked before the statement in front of it.
        if (leading) add(*match);
      } else if (std::holds_alternative<nft::LimitStatement>(statement)) {
        leading = false;
        further.emplace_back("limit");  // equals no other rule's
        further.push_back(at(rule.place));
      } else if (const auto* verdict = std::get_if<VerdictStatement>(&statement)) {
        ends = leading && verdict->kind != VerdictStatement::Kind::kJump &&
               verdict->kind != VerdictStatement::Kind::kContinue;
      }
    }
    std::sort(matches.begin(), matches.end());
    std::sort(further.begin(), further.end());
  }

  [[nodiscard]] bool matches_nothing() const noexcept {
    return ipv4.empty() && ipv6.empty() && !names_not_ip;
  }

  /// All that `later` can match ends here. base: packets enter this chain.
  [[nodiscard]] bool takes_all_of(const Reach& later, bool base) const {
    if (!ends || !ipv4.cover(later.ipv4) || !ipv6.cover(later.ipv6) ||
        !includes(later.further, further)) {
      return false;
    }
    if (base && later.names_neighbour_discovery && !names_neighbour_discovery) return false;
    const bool later_sees_not_ip = !later.ip_only && (!base || later.names_not_ip);
    // Boxes say nothing of what is not IP.
    return !later_sees_not_ip || ((!base || names_not_ip) && includes(later.matches, matches));
  }

 private:
  static bool includes(const std::vector<std::string>& all, const std::vector<std::string>& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
  }

  void add_names(const nft::Match& match) noexcept {
    for (const nft::Field field : match.fields) {
      names_not_ip = names_not_ip || nft::is_link_field(field);
      names_neighbour_discovery =
          names_neighbour_discovery || nft::is_neighbour_discovery_field(field);
    }
  }

  void add(const nft::Match& match) {
    ip_only =
        ip_only || std::any_of(match.fields.begin(), match.fields.end(), [](nft::Field field) {
          return !nft::is_link_field(field) && field != nft::Field::kMetaLength;
        });
    matches.push_back(to_text(match));
    const bool all_ipv4 = ipv4.narrow(match);
    const bool all_ipv6 = ipv6.narrow(match);
    if (!all_ipv4 || !all_ipv6) further.push_back(matches.back());
  }
};

void warn_of_chain(const nft::Chain& chain, std::vector<std::string>& warnings) {
  std::vector<Reach> ending;  // of the rules before
  std::vector<const nft::RuleText*> ending_rules;
  for (const nft::RuleText& rule : chain.rules) {
    const Reach reach(rule);
    if (reach.matches_nothing()) {
      warnings.push_back(
          fmt::format("{}: this rule can never match: {}", at(rule.place), nft::to_text(rule)));
      continue;
    }
    const auto taker = std::find_if(ending.begin(), ending.end(), [&](const Reach& earlier) {
      return earlier.takes_all_of(reach, chain.base.has_value());
    });
    if (taker != ending.end()) {
      warnings.push_back(fmt::format(
          "{}: this rule can never match: all its packets end at line {} ({}): {}", at(rule.place),
          ending_rules[static_cast<std::size_t>(taker - ending.begin())]->place.line,
          nft::to_text(*ending_rules[static_cast<std::size_t>(taker - ending.begin())]),
          nft::to_text(rule)));
    } else if (reach.ends) {
      ending.push_back(reach);
      ending_rules.push_back(&rule);
    }
  }
}

struct Probe {
  const char* what;
  std::vector<std::byte> frame;
};

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> result;
  result.reserve(values.size());
  for (const unsigned value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

/// An ARP request, and neighbour discovery's five messages: between hosts of the
/// documentation's networks, with what any host would send.
std::vector<Probe> link_probes() {
  std::vector<Probe> probes;
  std::vector<std::byte> arp =
      bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,   1, 0x08, 0x06,  //
             0,    1,    0x08, 0,    6,    4,    0, 1, 2, 0, 0,   0, 0,    1,
             192,  0,    2,    1,    0,    0,    0, 0, 0, 0, 192, 0, 2,    2});
  probes.push_back({"ARP", std::move(arp)});
  constexpr std::array<std::pair<unsigned, const char*>, 5> kMessages = {
      {{133, "router solicitations"},
       {134, "router advertisements"},
       {135, "neighbour solicitations"},
       {136, "neighbour advertisements"},
       {137, "redirects"}}};
  for (const auto& [type, what] : kMessages) {
    std::vector<std::byte> frame =
        bytes({0x33, 0x33, 0, 0, 0, 1,  2,  0,   0,    0,    0,    1,    0x86, 0xdd,  //
               0x60, 0,    0, 0, 0, 24, 58, 255, 0x20, 0x01, 0x0d, 0xb8, 0,    0,
               0,    0,    0, 0, 0, 0,  0,  0,   0,    1,    0x20, 0x01, 0x0d, 0xb8,
               0,    0,    0, 0, 0, 0,  0,  0,   0,    0,    0,    2,    type, 0});
    frame.resize(frame.size() + 22);
    probes.push_back({what, std::move(frame)});
  }
  return probes;
}

void warn_of_link_traffic(const RuleSet& rules, std::vector<std::string>& warnings) {
  Evaluation evaluation(rules.counter_slots());
  for (const Probe& probe : link_probes()) {
    const PacketView packet = parse(probe.frame);
    const Verdict verdict = rules.program()->judge_link_traffic(packet, 0, evaluation);
    if (verdict.action == Action::kAccept) continue;
    const Rule& rule = rules.rules()[verdict.rule];
    warnings.push_back(
        fmt::format("rule {} ({}) drops {}: without them, hosts on the link lose this one",
                    rule.handle, rule.text, probe.what));
  }
}

}  // namespace

std::vector<std::string> find_warnings(const RuleSet& rules) {
  std::vector<std::string> warnings;
  if (rules.table() == nullptr) return warnings;
  for (const nft::Chain& chain : rules.table()->table.chains) warn_of_chain(chain, warnings);
  warn_of_link_traffic(rules, warnings);
  if (rules.table()->table.base_chain()->base->drop) {
    warnings.emplace_back(
        "policy drop: nft would drop ARP and neighbour discovery with it unless a rule accepts "
        "them; afxfw lets them pass unless a rule drops them");
  }
  return warnings;
}

}  // namespace afxfw
