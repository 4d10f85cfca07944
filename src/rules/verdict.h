#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace afxfw {

enum class Action : std::uint8_t { kAccept, kDrop };

/// Why a worker dropped a packet. The one list: counters, JSON, packet log and
/// docs are made from it.
enum class DropReason : std::uint8_t {
  kNone,       ///< accepted
  kBlocklist,  ///< source address on a blocklist
  kRule,       ///< a rule said so
  kPolicy,     ///< no rule matched and the policy is drop
  kMalformed,  ///< not a well-formed IP packet
};

inline constexpr std::array<std::string_view, 5> kDropReasonNames = {"none", "blocklist", "rule",
                                                                     "policy", "malformed"};
inline constexpr std::size_t kDropReasonCount = kDropReasonNames.size();

[[nodiscard]] constexpr std::string_view name(DropReason reason) noexcept {
  return kDropReasonNames[static_cast<std::size_t>(reason)];
}

/// What the rules say about one packet. rule: index into RuleSet::rules() of
/// the rule that decided, or kNoRule when the policy or the parser did.
struct Verdict {
  static constexpr std::uint16_t kNoRule = 0xffff;

  Action action = Action::kAccept;
  DropReason reason = DropReason::kNone;
  std::uint16_t rule = kNoRule;
};
static_assert(sizeof(Verdict) == 4);

/// Stands for no counter of a RuleSet.
inline constexpr std::uint32_t kNoSlot = 0xffff'ffff;

/// A verdict, and which of a RuleSet's counters counts packets that get it.
struct CountedVerdict {
  Verdict verdict;
  std::uint32_t slot = kNoSlot;
};

}  // namespace afxfw
