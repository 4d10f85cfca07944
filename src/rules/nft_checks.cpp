#include "rules/nft_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "rules/nft_protocol_context.h"

namespace afxfw::nft {
namespace {

// Those that afxfw makes from --allowlist and --blocklist.
constexpr std::array<std::string_view, 2> kImpliedSets = {"allowlist", "blocklist"};

class Checker {
 public:
  Checker(const Table& table, TextErrors& errors) : table_(table), errors_(errors) {}

  void run() {
    for (const Set& set : table_.sets) check_set(set);
    check_base_chain();
    for (const Chain& chain : table_.chains) {
      for (const RuleText& rule : chain.rules) check_rule(rule);
    }
    if (errors_.empty()) check_jumps();
  }

 private:
  void add(const Place& place, std::string_view text, std::string what) {
    errors_.add({place.file->name, place.line, place.column, std::string(text), std::move(what)});
  }

  void check_set(const Set& set) {
    if (std::find(kImpliedSets.begin(), kImpliedSets.end(), set.name) != kImpliedSets.end()) {
      add(set.place, set.name,
          fmt::format("this is the set of --{}; choose another name", set.name));
    }
    if (table_.find_set(set.name) != &set) {
      add(set.place, set.name, "a set of this name came before");
    }
    if (set.auto_merge && !set.intervals) {
      add(set.place, set.name, "auto-merge needs: flags interval");
    }
    for (const Element& element : set.elements) check_element(set, element);
    if (set.intervals && (!set.auto_merge || set.types.size() > 1))
      check_overlaps(set.elements, set.types.size());
  }

  void check_element(const Set& set, const Element& element) {
    const bool interval = std::any_of(element.key.begin(), element.key.end(),
                                      [](const Interval& part) { return part.low != part.high; });
    if (interval && !set.intervals) {
      add(element.place, "", "prefixes and ranges need a set with: flags interval");
    }
    if (element.counter && !set.counters) {
      add(element.place, "", "elements of this set do not count; give it a line: counter");
    }
    if ((element.timeout_s || element.expires_s) && !set.timeouts) {
      add(element.place, "", "elements of this set cannot time out; give it: flags timeout");
    }
    if (element.expires_s && !element.timeout_s && !set.timeout_s) {
      add(element.place, "", "an element that expires has a timeout before it");
    }
  }

  /// As nftables, which takes equal elements for one and refuses others that
  /// have something in common.
  void check_overlaps(const std::vector<Element>& elements, std::size_t parts) {
    std::vector<const Element*> sorted;
    sorted.reserve(elements.size());
    for (const Element& element : elements) sorted.push_back(&element);
    const std::size_t part = most_varied_part(elements, parts);
    std::stable_sort(sorted.begin(), sorted.end(), [part](const Element* a, const Element* b) {
      return a->key[part].low < b->key[part].low;
    });
    // Those that reach so far that a later one may overlap them.
    std::vector<const Element*> open;
    for (const Element* element : sorted) {
      std::erase_if(open, [&](const Element* earlier) {
        return earlier->key[part].high < element->key[part].low;
      });
      for (const Element* earlier : open) {
        if (earlier->key == element->key) continue;
        const bool overlap =
            std::equal(earlier->key.begin(), earlier->key.end(), element->key.begin(),
                       [](const Interval& a, const Interval& b) {
                         return a.low <= b.high && b.low <= a.high;
                       });
        if (!overlap) continue;
        const auto& [later, first] =
            std::pair(std::max(element, earlier), std::min(element, earlier));
        add(later->place, "",
            fmt::format("this element overlaps the one at {}:{}{}", first->place.line,
                        first->place.column, parts == 1 ? "; auto-merge makes one of them" : ""));
        return;
      }
      open.push_back(element);
    }
  }

  /// In which elements begin at the most different values: along it, the fewest
  /// reach over others.
  static std::size_t most_varied_part(const std::vector<Element>& elements, std::size_t parts) {
    std::size_t best = 0;
    std::size_t most = 0;
    for (std::size_t part = 0; part < parts && parts > 1; ++part) {
      std::set<Value> starts;
      for (const Element& element : elements) starts.insert(element.key[part].low);
      if (starts.size() > most) {
        most = starts.size();
        best = part;
      }
    }
    return best;
  }

  void check_base_chain() {
    const Chain* first = nullptr;
    for (const Chain& chain : table_.chains) {
      if (!chain.base) continue;
      if (first == nullptr) {
        first = &chain;
      } else {
        add(chain.place, chain.name,
            fmt::format("afxfw has one chain with a hook, and '{}' came before", first->name));
      }
    }
    if (first == nullptr && !table_.chains.empty()) {
      add(table_.chains.front().place, "",
          "no chain has a hook; give one: type filter hook ingress device \"eth0\" priority 0");
    } else if (first == nullptr && !table_.files.empty()) {
      add({&table_.files.front(), 1, 1}, "", "this table has no chain");
    }
  }

  void check_rule(const RuleText& rule) {
    ProtocolContext context;
    for (const Statement& statement : rule.statements) {
      if (const auto* match = std::get_if<Match>(&statement)) {
        check_sets(*match);
        if (const std::string conflict = context.add(*match); !conflict.empty()) {
          add(match->place, info(match->fields.front()).header, conflict);
        }
        if (match->fields.size() > 1 && match->set_name.empty()) {
          check_overlaps(match->elements, match->fields.size());
        }
      } else if (const auto* verdict = std::get_if<VerdictStatement>(&statement)) {
        check_verdict(*verdict);
      }
    }
  }

  void check_sets(const Match& match) {
    if (match.set_name.empty()) return;
    const Set* set = table_.find_set(match.set_name);
    if (set == nullptr) {
      const bool implied =
          std::find(kImpliedSets.begin(), kImpliedSets.end(), match.set_name) != kImpliedSets.end();
      add(match.place, "@" + match.set_name,
          implied ? "afxfw asks this set by itself, in front of all rules; leave this out"
                  : "there is no set of this name");
      return;
    }
    const bool fits =
        std::equal(match.fields.begin(), match.fields.end(), set->types.begin(), set->types.end(),
                   [](Field field, const SetType* type) { return info(field).type == type->type; });
    if (fits) return;
    std::string wanted;
    for (const Field field : match.fields) {
      const SetType* type = find_set_type(info(field).type);
      wanted += fmt::format("{}{}", wanted.empty() ? "" : " . ",
                            type == nullptr ? "values that no set holds" : type->name);
    }
    std::string held;
    for (const SetType* type : set->types) {
      held += fmt::format("{}{}", held.empty() ? "" : " . ", type->name);
    }
    add(match.place, "@" + match.set_name, fmt::format("this set holds {}, not {}", held, wanted));
  }

  void check_verdict(const VerdictStatement& verdict) {
    if (verdict.chain.empty()) return;
    const Chain* target = table_.find_chain(verdict.chain);
    if (target == nullptr) {
      add(verdict.place, verdict.chain, "there is no chain of this name");
    } else if (target->base) {
      add(verdict.place, verdict.chain, "a chain with a hook cannot be jumped to");
    }
  }

  void check_jumps() {
    for (const Chain& chain : table_.chains) {
      if (depth_of(chain, 1) <= kMaxDepth) continue;
      add(chain.place, chain.name,
          fmt::format("chains lead from here to each other more than {} deep", kMaxDepth));
      return;
    }
  }

  /// How many chains one after another a packet can be in from here on; something
  /// above kMaxDepth if there are more. level: how many lead here, itself included;
  /// too many are not followed, however long a file makes them.
  std::size_t depth_of(const Chain& chain, std::size_t level) {
    if (level > kMaxDepth) return level;
    const auto [known, first] = depths_.emplace(&chain, kRunning);
    if (!first) return known->second;
    std::size_t depth = 1;
    for (const RuleText& rule : chain.rules) {
      for (const Statement& statement : rule.statements) {
        const auto* verdict = std::get_if<VerdictStatement>(&statement);
        if (verdict == nullptr || verdict->chain.empty()) continue;
        const std::size_t below = depth_of(*table_.find_chain(verdict->chain), level + 1);
        if (below == kRunning) {
          add(verdict->place, verdict->chain, "this leads back to where it came from, for ever");
        }
        depth = std::max(depth, below + 1);
      }
    }
    depths_[&chain] = depth;
    return depth;
  }

  static constexpr std::size_t kMaxDepth = 16;  // NFT_JUMP_STACK_SIZE
  static constexpr std::size_t kRunning = 0;

  std::map<const Chain*, std::size_t> depths_;
  const Table& table_;
  TextErrors& errors_;
};

}  // namespace

void check(const Table& table, TextErrors& errors) { Checker(table, errors).run(); }

const Set* Table::find_set(std::string_view wanted) const noexcept {
  const auto found =
      std::find_if(sets.begin(), sets.end(), [&](const Set& each) { return each.name == wanted; });
  return found == sets.end() ? nullptr : &*found;
}

const Chain* Table::find_chain(std::string_view wanted) const noexcept {
  const auto found = std::find_if(chains.begin(), chains.end(),
                                  [&](const Chain& each) { return each.name == wanted; });
  return found == chains.end() ? nullptr : &*found;
}

const Chain* Table::base_chain() const noexcept {
  const auto found = std::find_if(chains.begin(), chains.end(),
                                  [](const Chain& each) { return each.base.has_value(); });
  return found == chains.end() ? nullptr : &*found;
}

}  // namespace afxfw::nft
