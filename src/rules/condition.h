#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "net/packet_view.h"
#include "rules/element_set.h"
#include "rules/evaluation.h"
#include "rules/interval_set.h"
#include "rules/nft_ast.h"
#include "rules/verdict.h"

namespace afxfw {

/// The values for which a match on a single field holds, once its mask has been
/// applied. Only for matches without a named set.
[[nodiscard]] IntervalSet accepted_values(const nft::Match& match);
/// What is to be masked before that.
[[nodiscard]] std::optional<nft::Value> effective_mask(const nft::Match& match) noexcept;

/// A match, compiled.
class Condition {
 public:
  /// On a single field, with the values written in the rule.
  explicit Condition(const nft::Match& match);
  /// On a set, which must outlive the condition. first_slot: of the counters of
  /// its elements, or kNoSlot.
  Condition(const nft::Match& match, const ElementSet& set, std::uint32_t first_slot);

  /// The packet is not malformed. Counts for the set's element.
  [[nodiscard]] bool holds(const PacketView& packet, Evaluation& evaluation) const noexcept;

  /// Whether it holds alike for all packets of a flow, see is_of_flow(), and does nothing
  /// else.
  [[nodiscard]] bool is_about_flow() const noexcept { return about_flow_; }

  friend bool operator==(const Condition&, const Condition&) = default;

 private:
  std::array<nft::Field, nft::kMaxConcatenation> fields_{};
  std::uint8_t field_count_ = 0;
  bool negated_ = false;
  bool about_flow_ = false;
  std::optional<nft::Value> mask_;
  IntervalSet values_;
  const ElementSet* set_ = nullptr;
  std::uint32_t first_slot_ = kNoSlot;
};

}  // namespace afxfw
