#include "rules/condition.h"

#include <algorithm>

#include "rules/packet_fields.h"

namespace afxfw {

using nft::Comparison;
using nft::Interval;
using nft::Match;
using nft::Value;

std::optional<Value> effective_mask(const Match& match) noexcept {
  const bool bits =
      match.comparison == Comparison::kAnyBit || match.comparison == Comparison::kNoBit;
  return bits ? match.elements.front().key.front().low : match.mask;
}

IntervalSet accepted_values(const Match& match) {
  const unsigned bits = nft::info(match.fields.front()).bits;
  const Value most = nft::largest(bits);
  const Value value = match.elements.front().key.front().low;
  switch (match.comparison) {
    case Comparison::kLess:
      return value == 0 ? IntervalSet() : IntervalSet({{0, value - 1}});
    case Comparison::kLessOrEqual:
      return IntervalSet({{0, value}});
    case Comparison::kGreater:
      return value == most ? IntervalSet() : IntervalSet({{value + 1, most}});
    case Comparison::kGreaterOrEqual:
      return IntervalSet({{value, most}});
    case Comparison::kAnyBit:
      return IntervalSet({{1, most}});
    case Comparison::kNoBit:
      return IntervalSet({{0, 0}});
    case Comparison::kEqual:
    case Comparison::kNotEqual:
      break;
  }
  std::vector<Interval> intervals;
  intervals.reserve(match.elements.size());
  for (const nft::Element& element : match.elements) intervals.push_back(element.key.front());
  const IntervalSet listed(std::move(intervals));
  return match.comparison == Comparison::kEqual ? listed : listed.complement(bits);
}

Condition::Condition(const Match& match)
    : field_count_(1),
      about_flow_(is_of_flow(match.fields.front())),
      mask_(effective_mask(match)),
      values_(accepted_values(match)) {
  fields_[0] = match.fields.front();
}

Condition::Condition(const Match& match, const ElementSet& set, std::uint32_t first_slot)
    : field_count_(static_cast<std::uint8_t>(match.fields.size())),
      negated_(match.comparison == Comparison::kNotEqual),
      about_flow_(first_slot == kNoSlot &&
                  std::all_of(match.fields.begin(), match.fields.end(), is_of_flow)),
      set_(&set),
      first_slot_(first_slot) {
  std::copy(match.fields.begin(), match.fields.end(), fields_.begin());
}

bool Condition::holds(const PacketView& packet, Evaluation& evaluation) const noexcept {
  std::array<Value, nft::kMaxConcatenation> values;
  for (std::size_t i = 0; i < field_count_; ++i) {
    const auto value = load(fields_[i], packet);
    if (!value) return false;
    values[i] = *value;
  }
  if (set_ == nullptr) return values_.contains(mask_ ? values[0] & *mask_ : values[0]);
  const std::uint32_t element = set_->find({values.data(), field_count_});
  const bool found = element != ElementSet::kNotFound;
  // As nft: an element that a "!=" finds does not count.
  if (found && !negated_ && first_slot_ != kNoSlot) {
    evaluation.counters.count(first_slot_ + element, packet.frame_length);
  }
  return found != negated_;
}

}  // namespace afxfw
