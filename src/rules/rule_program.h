#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "net/packet_view.h"
#include "rules/box_classifier.h"
#include "rules/condition.h"
#include "rules/evaluation.h"
#include "rules/token_bucket.h"
#include "rules/verdict.h"

namespace afxfw {

/// Something a rule does, once what stands before it has held.
struct RuleStep {
  enum class Kind : std::uint8_t {
    kCondition,  ///< index: of the program's conditions
    kCounter,    ///< index: the slot
    kLimit,      ///< index: of the program's buckets
    kLog,
    kAccept,
    kDrop,
    kJump,  ///< index: of the program's chains
    kGoto,
    kReturn,
    kContinue,
  };
  Kind kind = Kind::kCondition;
  std::uint32_t index = 0;
};

/// A rule, compiled: what is left to ask and to do when its boxes have matched.
struct CompiledRule {
  /// If the boxes say all: what to do. Otherwise the steps are to be gone through.
  std::optional<CountedVerdict> decision;
  std::vector<RuleStep> steps;
  /// Conditions that the boxes stand for: asked where there are no boxes.
  std::vector<std::uint32_t> boxed_conditions;
  /// Says something about packets that are not IP, and about neighbour discovery:
  /// only such rules see these, see docs/rules.md.
  bool names_not_ip = false;
  bool names_neighbour_discovery = false;
  /// Its index in RuleSet::rules().
  std::uint16_t rule = Verdict::kNoRule;
};

/// IPv6 addresses as numbers of 32 bits, in their order: how many of the ends
/// that rules have are at or below an address.
class AddressRanks {
 public:
  AddressRanks() = default;
  /// starts: the first addresses of what is to be told apart; in any order.
  explicit AddressRanks(std::vector<Ipv6Bits> starts);
  [[nodiscard]] std::uint32_t rank(Ipv6Bits address) const noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return starts_.capacity() * sizeof(Ipv6Bits);
  }

 private:
  std::vector<Ipv6Bits> starts_;
};

struct CompiledChain {
  std::vector<CompiledRule> rules;
  BoxClassifier ipv4;
  BoxClassifier ipv6;
  /// What IPv6 addresses are for `ipv6`.
  AddressRanks ipv6_sources;
  AddressRanks ipv6_destinations;
  bool names_link_traffic = false;  ///< one of its rules does
};

/// A table's chains, compiled. Immutable but for its token buckets.
class RuleProgram {
 public:
  struct Parts {
    std::vector<CompiledChain> chains;
    std::size_t base = 0;  ///< the chain where packets enter
    Verdict policy;
    std::vector<Condition> conditions;
    std::vector<std::unique_ptr<ElementSet>> sets;  ///< that conditions point to
    std::vector<nft::LimitStatement> limits;
  };

  explicit RuleProgram(Parts parts);

  /// What the rules say about packets, at most kJudgedAtOnce, all IPv4 or all IPv6
  /// as `version` says. positions: where they are in `packets` and `verdicts`.
  void judge(unsigned version, std::span<const PacketView> packets,
             std::span<const std::uint16_t> positions, std::span<Verdict> verdicts,
             Evaluation& evaluation) const noexcept;

  /// About a packet that keeps a link alive: not IP, or neighbour discovery. It is
  /// accepted unless a rule that names such packets drops it.
  [[nodiscard]] Verdict judge_link_traffic(const PacketView& packet, std::uint16_t position,
                                           Evaluation& evaluation) const noexcept;

  /// Whether any rule names packets that are not IP, or neighbour discovery.
  [[nodiscard]] bool names_not_ip() const noexcept { return names_not_ip_; }
  [[nodiscard]] bool names_neighbour_discovery() const noexcept {
    return names_neighbour_discovery_;
  }
  [[nodiscard]] bool needs_time() const noexcept { return !buckets_.empty(); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  class Run;

  /// From a rule of the base chain on, whose boxes match the packet.
  [[nodiscard]] Verdict judge_by_steps(const PacketView& packet, std::uint16_t position,
                                       std::uint32_t rule, Evaluation& evaluation) const noexcept;

  Parts parts_;
  // A bucket is an atomic, which cannot move.
  mutable std::vector<std::unique_ptr<TokenBucket>> buckets_;
  bool names_not_ip_ = false;
  bool names_neighbour_discovery_ = false;

  // Of the base chain's rules, and behind them of the policy: with slot kByItsSteps if a
  // rule has no decision. Apart from the rules, so that batches need few cache lines.
  std::vector<CountedVerdict> base_decisions_;
  static constexpr std::uint32_t kByItsSteps = kNoSlot - 1;
};

}  // namespace afxfw
