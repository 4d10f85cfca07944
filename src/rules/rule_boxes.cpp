#include "rules/rule_boxes.h"

#include <algorithm>

#include "rules/condition.h"

namespace afxfw {
namespace {

using nft::Field;
using nft::Value;

// A rule with several lists makes a box for each combination; beyond this, the
// longest list is asked for by itself.
constexpr std::size_t kMostBoxes = 64;

constexpr Value kEtherTypeIpv4 = 0x0800;
constexpr Value kEtherTypeIpv6 = 0x86dd;

std::optional<BoxDimension> dimension_of(Field field) noexcept {
  switch (field) {
    case Field::kIpSource:
    case Field::kIp6Source:
      return kSource;
    case Field::kIpDestination:
    case Field::kIp6Destination:
      return kDestination;
    case Field::kTcpSport:
    case Field::kUdpSport:
    case Field::kThSport:
      return kSourcePort;
    case Field::kTcpDport:
    case Field::kUdpDport:
    case Field::kThDport:
      return kDestinationPort;
    case Field::kIpProtocol:
    case Field::kMetaL4proto:
      return kProtocol;
    default:
      return std::nullopt;
  }
}

}  // namespace

RuleBoxes::RuleBoxes(BoxFamily family) : family_(family) {
  const unsigned address_bits = family == BoxFamily::kIpv4 ? 32 : 128;
  dimensions_[kSource] = IntervalSet({{0, nft::largest(address_bits)}});
  dimensions_[kDestination] = dimensions_[kSource];
  dimensions_[kSourcePort] = IntervalSet({{0, nft::largest(16)}});
  dimensions_[kDestinationPort] = dimensions_[kSourcePort];
  dimensions_[kProtocol] = dimensions_[kSourcePort];
}

bool RuleBoxes::empty() const noexcept {
  return std::any_of(dimensions_.begin(), dimensions_.end(),
                     [](const IntervalSet& values) { return values.empty(); });
}

bool RuleBoxes::cover(const RuleBoxes& other) const noexcept {
  return other.empty() ||
         std::equal(dimensions_.begin(), dimensions_.end(), other.dimensions_.begin(),
                    [](const IntervalSet& mine, const IntervalSet& theirs) {
                      return mine.contains(theirs);
                    });
}

std::size_t RuleBoxes::count() const noexcept {
  std::size_t product = 1;
  for (const IntervalSet& values : dimensions_) product *= values.intervals().size();
  return product;
}

bool RuleBoxes::narrow_to(BoxDimension dimension, const IntervalSet& values) {
  IntervalSet& mine = dimensions_[dimension];
  const IntervalSet narrowed = mine.intersection(values);
  const std::size_t others = empty() ? 0 : count() / mine.intervals().size();
  if (narrowed.intervals().size() * others <= kMostBoxes) {
    mine = narrowed;
    return true;
  }
  // Too many: what is between the first and the last is left for the match.
  mine = mine.intersection(
      IntervalSet({{narrowed.intervals().front().low, narrowed.intervals().back().high}}));
  return false;
}

void RuleBoxes::require_protocol(std::uint8_t protocol) {
  const Value without_ports = protocol | kNoPorts;
  narrow_to(kProtocol, IntervalSet({{protocol, protocol}, {without_ports, without_ports}}));
}

void RuleBoxes::require_ports() { narrow_to(kProtocol, IntervalSet({{0, kNoPorts - 1}})); }

bool RuleBoxes::narrow(const nft::Match& match) {
  for (const Field field : match.fields) {
    const nft::FieldInfo& wanted = nft::info(field);
    const bool other_family =
        wanted.network == (family_ == BoxFamily::kIpv4 ? nft::Network::kIpv6 : nft::Network::kIpv4);
    if (other_family) dimensions_[kSource] = IntervalSet();
    if (wanted.protocol) require_protocol(*wanted.protocol);
    if (wanted.type == nft::Type::kService) require_ports();
  }
  if (empty()) return true;
  if (match.fields.size() > 1 || !match.set_name.empty() || effective_mask(match)) return false;

  const Field field = match.fields.front();
  IntervalSet values = accepted_values(match);
  if (field == Field::kMetaProtocol) {
    const Value own = family_ == BoxFamily::kIpv4 ? kEtherTypeIpv4 : kEtherTypeIpv6;
    if (!values.contains(own)) dimensions_[kSource] = IntervalSet();
    return true;
  }
  const auto dimension = dimension_of(field);
  if (!dimension) return false;
  if (*dimension == kProtocol) {
    // With and without ports. 256, of which the protocol is not known, is in neither.
    std::vector<nft::Interval> both;
    for (const nft::Interval& each : values.intervals()) {
      both.push_back(each);
      both.push_back({each.low | kNoPorts, each.high | kNoPorts});
    }
    values = IntervalSet(std::move(both));
  }
  return narrow_to(*dimension, values);
}

}  // namespace afxfw
