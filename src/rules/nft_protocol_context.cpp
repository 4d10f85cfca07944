#include "rules/nft_protocol_context.h"

#include <fmt/format.h>

namespace afxfw::nft {
namespace {

constexpr Value kEtherTypeIpv4 = 0x0800;
constexpr Value kEtherTypeIpv6 = 0x86dd;
constexpr Value kEtherTypeVlan = 0x8100;

}  // namespace

bool ProtocolContext::Layer::require(Value wanted) noexcept {
  if (state == State::kUnknown) {
    state = State::kOne;
    value = wanted;
  }
  return state == State::kOne && value == wanted;
}

void ProtocolContext::Layer::learn(const Match& match) noexcept {
  if (state != State::kUnknown || match.comparison != Comparison::kEqual || match.mask) return;
  const bool one =
      match.set_name.empty() && !match.braces && match.fields.size() == 1 &&
      match.elements.front().key.front().low == match.elements.front().key.front().high;
  state = one ? State::kOne : State::kSeveral;
  if (one) value = match.elements.front().key.front().low;
}

std::string ProtocolContext::add(const Match& match) {
  for (const Field field : match.fields) {
    const FieldInfo& wanted = info(field);
    const auto conflict = [&] {
      return fmt::format("a match before leaves no packet that has {} {}; split this rule in two",
                         wanted.header, wanted.name);
    };
    if (field == Field::kVlanId && !link_.require(kEtherTypeVlan)) return conflict();
    if (wanted.network == Network::kIpv4 && !network_.require(kEtherTypeIpv4)) return conflict();
    if (wanted.network == Network::kIpv6 && !network_.require(kEtherTypeIpv6)) return conflict();
    if (wanted.protocol && !transport_.require(*wanted.protocol)) return conflict();
    if (field == Field::kEtherType || field == Field::kMetaProtocol) {
      link_.learn(match);
      network_.learn(match);
    }
    if (field == Field::kMetaL4proto || field == Field::kIpProtocol ||
        field == Field::kIp6Nexthdr) {
      transport_.learn(match);
    }
  }
  return {};
}

}  // namespace afxfw::nft
