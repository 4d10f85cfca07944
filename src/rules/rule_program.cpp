#include "rules/rule_program.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "rules/packet_fields.h"
#include "rules/rule_boxes.h"

namespace afxfw {
namespace {

constexpr std::size_t kMaxJumps = 16;  // nft::check() refuses more

// The ports, or what is in their place, of what parse() found none in.
[[gnu::noinline]] void set_unparsed_ports(const PacketView& packet, BoxKey& key) noexcept {
  const bool ports = has_transport_ports(packet);
  if (ports) {
    key.source_port = load_be16(packet.frame + packet.l4_offset);
    key.destination_port = load_be16(packet.frame + packet.l4_offset + 2);
  }
  key.protocol = RuleBoxes::protocol_key(packet, ports);
}

// These two set all of a key.

inline void set_ipv4_key(const PacketView& packet, BoxKey& key) noexcept {
  key = {.source = packet.ipv4_source(),
         .destination = packet.ipv4_destination(),
         .source_port = packet.source_port,
         .destination_port = packet.destination_port,
         .protocol = RuleBoxes::protocol_key(packet, true)};
  if (!packet.has_ports) [[unlikely]]
    set_unparsed_ports(packet, key);
}

void set_ipv6_key(const CompiledChain& chain, const PacketView& packet, BoxKey& key) noexcept {
  key = {.source = chain.ipv6_sources.rank(packet.ipv6_source()),
         .destination = chain.ipv6_destinations.rank(packet.ipv6_destination()),
         .source_port = packet.source_port,
         .destination_port = packet.destination_port,
         .protocol = RuleBoxes::protocol_key(packet, true)};
  if (!packet.has_ports) [[unlikely]]
    set_unparsed_ports(packet, key);
}

}  // namespace

AddressRanks::AddressRanks(std::vector<Ipv6Bits> starts) : starts_(std::move(starts)) {
  std::sort(starts_.begin(), starts_.end());
  starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());
  starts_.shrink_to_fit();
}

std::uint32_t AddressRanks::rank(Ipv6Bits address) const noexcept {
  return static_cast<std::uint32_t>(std::upper_bound(starts_.begin(), starts_.end(), address) -
                                    starts_.begin());
}

/// One packet on its way through the chains.
class RuleProgram::Run {
 public:
  Run(const RuleProgram& program, const PacketView& packet, std::uint16_t position,
      Evaluation& evaluation) noexcept
      : program_(program), packet_(packet), position_(position), evaluation_(evaluation) {}

  /// From a rule of the base chain on, whose boxes match.
  Verdict from(std::uint32_t rule) noexcept {
    while (true) {
      if (rule == BoxClassifier::kNoMatch) {
        if (depth_ == 0) return program_.parts_.policy;
        const Place caller = callers_[--depth_];
        chain_ = caller.chain;
        rule = next(caller.rule);
        continue;
      }
      if (execute(chain().rules[rule], rule)) return verdict_;
      rule = next(next_rule_);
    }
  }

  /// Rule by rule, without boxes. In the base chain, only rules that name such
  /// packets are asked; they alone lead to the other chains.
  Verdict link_traffic(bool CompiledRule::*names) noexcept {
    std::uint32_t rule = 0;
    while (true) {
      if (rule >= chain().rules.size()) {  // kNoMatch: returned
        if (depth_ == 0) return {};
        const Place caller = callers_[--depth_];
        chain_ = caller.chain;
        rule = caller.rule;
        continue;
      }
      const CompiledRule& candidate = chain().rules[rule];
      next_rule_ = rule + 1;
      if ((candidate.*names || chain_ != program_.parts_.base) &&
          all_hold(candidate.boxed_conditions) && execute(candidate, rule)) {
        return verdict_;
      }
      rule = next_rule_;
    }
  }

 private:
  struct Place {
    std::size_t chain = 0;
    std::uint32_t rule = 0;
  };

  [[nodiscard]] const CompiledChain& chain() const noexcept {
    return program_.parts_.chains[chain_];
  }

  [[nodiscard]] std::uint32_t next(std::uint32_t from) const noexcept {
    if (from == BoxClassifier::kNoMatch) return from;
    BoxKey key;
    if (packet_.version == 4) {
      set_ipv4_key(packet_, key);
      return chain().ipv4.next_match(key, from);
    }
    set_ipv6_key(chain(), packet_, key);
    return chain().ipv6.next_match(key, from);
  }

  [[nodiscard]] bool all_hold(const std::vector<std::uint32_t>& conditions) const noexcept {
    return std::all_of(conditions.begin(), conditions.end(), [&](std::uint32_t index) {
      return program_.parts_.conditions[index].holds(packet_, evaluation_);
    });
  }

  /// True once there is a verdict; otherwise the packet goes on at next_rule_ of
  /// chain_, where kNoMatch stands for the chain's end.
  bool execute(const CompiledRule& rule, std::uint32_t index) noexcept {
    next_rule_ = index + 1;
    if (rule.decision) {
      if (rule.decision->slot != kNoSlot) {
        evaluation_.counters.count(rule.decision->slot, packet_.frame_length);
      }
      verdict_ = rule.decision->verdict;
      return true;
    }
    for (const RuleStep& step : rule.steps) {
      switch (step.kind) {
        case RuleStep::Kind::kCondition: {
          const Condition& condition = program_.parts_.conditions[step.index];
          if (!condition.is_about_flow()) evaluation_.mark_beyond_flow(position_);
          if (!condition.holds(packet_, evaluation_)) return false;
          break;
        }
        case RuleStep::Kind::kCounter:
          evaluation_.mark_beyond_flow(position_);
          evaluation_.counters.count(step.index, packet_.frame_length);
          break;
        case RuleStep::Kind::kLimit: {
          evaluation_.mark_beyond_flow(position_);
          const auto bytes = static_cast<std::uint64_t>(*load(nft::Field::kMetaLength, packet_));
          if (!program_.buckets_[step.index]->matches(evaluation_.now_ns, bytes)) return false;
          break;
        }
        case RuleStep::Kind::kLog:
          evaluation_.mark_beyond_flow(position_);
          evaluation_.log(position_, rule.rule);
          break;
        case RuleStep::Kind::kAccept:
          verdict_ = {Action::kAccept, DropReason::kNone, rule.rule};
          return true;
        case RuleStep::Kind::kDrop:
          verdict_ = {Action::kDrop, DropReason::kRule, rule.rule};
          return true;
        case RuleStep::Kind::kJump:
          assert(depth_ < kMaxJumps);
          callers_[depth_++] = {chain_, index + 1};
          [[fallthrough]];
        case RuleStep::Kind::kGoto:
          chain_ = step.index;
          next_rule_ = 0;
          return false;
        case RuleStep::Kind::kReturn:
          next_rule_ = BoxClassifier::kNoMatch;
          return false;
        case RuleStep::Kind::kContinue:
          break;
      }
    }
    return false;
  }

  const RuleProgram& program_;
  const PacketView& packet_;
  std::uint16_t position_;
  Evaluation& evaluation_;
  std::size_t chain_ = program_.parts_.base;
  std::uint32_t next_rule_ = 0;
  std::array<Place, kMaxJumps> callers_;
  std::size_t depth_ = 0;
  Verdict verdict_;
};

RuleProgram::RuleProgram(Parts parts) : parts_(std::move(parts)) {
  for (const CompiledRule& rule : parts_.chains[parts_.base].rules) {
    base_decisions_.push_back(rule.decision.value_or(CountedVerdict{{}, kByItsSteps}));
  }
  base_decisions_.push_back({parts_.policy, kNoSlot});
  for (const nft::LimitStatement& limit : parts_.limits) {
    buckets_.push_back(std::make_unique<TokenBucket>(limit));
  }
  for (const CompiledChain& chain : parts_.chains) {
    for (const CompiledRule& rule : chain.rules) {
      names_not_ip_ = names_not_ip_ || rule.names_not_ip;
      names_neighbour_discovery_ = names_neighbour_discovery_ || rule.names_neighbour_discovery;
    }
  }
}

void RuleProgram::judge(unsigned version, std::span<const PacketView> packets,
                        std::span<const std::uint16_t> positions, std::span<Verdict> verdicts,
                        Evaluation& evaluation) const noexcept {
  assert(positions.size() <= kJudgedAtOnce);
  const CompiledChain& base = parts_.chains[parts_.base];
  std::array<BoxKey, kJudgedAtOnce> keys;
  std::array<std::uint32_t, kJudgedAtOnce> rules;
  const std::span<const BoxKey> asked(keys.data(), positions.size());
  const std::span<std::uint32_t> found(rules.data(), positions.size());
  if (version == 4) {
    for (std::size_t i = 0; i < positions.size(); ++i) {
      set_ipv4_key(packets[positions[i]], keys[i]);
    }
    base.ipv4.first_match(asked, found);
  } else {
    for (std::size_t i = 0; i < positions.size(); ++i) {
      set_ipv6_key(base, packets[positions[i]], keys[i]);
    }
    base.ipv6.first_match(asked, found);
  }
  const CountedVerdict* decisions = base_decisions_.data();
  const auto policy = static_cast<std::uint32_t>(base_decisions_.size() - 1);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const std::uint16_t position = positions[i];
    const CountedVerdict decision = decisions[std::min(rules[i], policy)];
    if (decision.slot == kByItsSteps) [[unlikely]] {
      verdicts[position] = judge_by_steps(packets[position], position, rules[i], evaluation);
      continue;
    }
    verdicts[position] = decision.verdict;
    if (decision.slot != kNoSlot) {
      evaluation.counters.count(decision.slot, packets[position].frame_length);
    }
  }
}

Verdict RuleProgram::judge_by_steps(const PacketView& packet, std::uint16_t position,
                                    std::uint32_t rule, Evaluation& evaluation) const noexcept {
  return Run(*this, packet, position, evaluation).from(rule);
}

Verdict RuleProgram::judge_link_traffic(const PacketView& packet, std::uint16_t position,
                                        Evaluation& evaluation) const noexcept {
  const auto names = packet.status == ParseStatus::kNotIp
                         ? &CompiledRule::names_not_ip
                         : &CompiledRule::names_neighbour_discovery;
  return Run(*this, packet, position, evaluation).link_traffic(names);
}

std::size_t RuleProgram::memory_bytes() const noexcept {
  std::size_t bytes = parts_.conditions.capacity() * sizeof(Condition);
  for (const CompiledChain& chain : parts_.chains) {
    bytes += chain.ipv4.memory_bytes() + chain.ipv6.memory_bytes() +
             chain.ipv6_sources.memory_bytes() + chain.ipv6_destinations.memory_bytes() +
             chain.rules.capacity() * sizeof(CompiledRule);
    for (const CompiledRule& rule : chain.rules) {
      bytes += rule.steps.capacity() * sizeof(RuleStep) +
               rule.boxed_conditions.capacity() * sizeof(std::uint32_t);
    }
  }
  for (const auto& set : parts_.sets) bytes += set->memory_bytes();
  return bytes + buckets_.size() * sizeof(TokenBucket) +
         base_decisions_.capacity() * sizeof(CountedVerdict);
}

}  // namespace afxfw
