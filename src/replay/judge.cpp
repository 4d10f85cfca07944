#include "replay/judge.h"

#include <netinet/in.h>

#include <algorithm>

#include "pipeline/classifier.h"
#include "pipeline/inline_stage.h"

namespace afxfw {
namespace {

/// Ethernet, two tags and the EtherType of a third.
constexpr std::size_t kLongestLinkHeader = 14 + 8;
constexpr std::size_t kLongestIpHeader = 40;  // without options and extension headers
constexpr std::size_t kTransportHeader = 20;  // TCP's, without options; the others' are shorter
constexpr std::size_t kExtensionHeader = 8;

std::size_t upper_header_bytes(const PacketView& packet) noexcept {
  if (packet.fragment == Fragment::kLater) return 0;
  switch (packet.protocol) {
    case IPPROTO_TCP:
      return kTransportHeader;
    case IPPROTO_UDP:
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return 8;
    default:
      return 4;  // what th sport and th dport read
  }
}

/// As header_bytes(), of a frame without end.
std::size_t bytes_looked_at(const PacketView& packet) noexcept {
  switch (packet.status) {
    case ParseStatus::kOk:
      return packet.l4_offset + upper_header_bytes(packet);
    case ParseStatus::kNotIp:
      return packet.l3_offset;
    case ParseStatus::kMalformed:
      break;
  }
  switch (packet.reason) {
    case Malformed::kTruncatedIp:
    case Malformed::kIpVersion:
    case Malformed::kIpHeaderLength:
    case Malformed::kIpTotalLength:
      return packet.l3_offset + kLongestIpHeader;
    case Malformed::kExtensionHeaders:
    case Malformed::kTruncatedExtension:
      return packet.l4_offset + kExtensionHeader;
    case Malformed::kFragmentOverlap:
    case Malformed::kTruncatedTransport:
    case Malformed::kTransportLength:
      return packet.l4_offset + kTransportHeader;
    case Malformed::kNone:
    case Malformed::kTruncatedEthernet:
    case Malformed::kVlanDepth:
      break;
  }
  return kLongestLinkHeader;
}

}  // namespace

std::size_t header_bytes(const PacketView& packet) noexcept {
  return std::min<std::size_t>(bytes_looked_at(packet), packet.frame_length);
}

Decision judge(const Filter& filter, const PacketView& packet, std::size_t known_bytes,
               Evaluation& evaluation) noexcept {
  Decision decision;
  if (known_bytes < header_bytes(packet)) return decision;
  decision.outcome = inline_outcome(filter.policy, packet, filter.rules.link_traffic());
  bool accept = decision.outcome == AFXFW_PASS_NOT_IP || decision.outcome == AFXFW_PASS_NEIGHBOUR;
  if (decision.outcome == AFXFW_REDIRECT) {
    classify(filter.rules, {&packet, 1}, {&decision.verdict, 1}, evaluation);
    accept = decision.verdict.action == Action::kAccept;
  }
  decision.kind = accept ? Decision::Kind::kAccepted : Decision::Kind::kDropped;
  return decision;
}

}  // namespace afxfw
