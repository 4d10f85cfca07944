#include "pipeline/inline_stage.h"

#include <iterator>

namespace afxfw {
namespace {

bool drops_port(const afxfw_inline_policy& policy, const PacketView& packet) noexcept {
  if (!packet.has_ports) return false;
  const unsigned port = packet.destination_port;
  const __u64* words = packet.protocol == IPPROTO_TCP ? policy.drop_tcp_port : policy.drop_udp_port;
  return (words[port >> 6] >> (port & 63) & 1) != 0;
}

}  // namespace

afxfw_outcome inline_outcome(const afxfw_inline_policy& policy, const PacketView& packet,
                             std::uint32_t link_traffic) noexcept {
  switch (packet.status) {
    case ParseStatus::kMalformed:
      return AFXFW_DROP_MALFORMED;
    case ParseStatus::kNotIp:
      return (link_traffic & AFXFW_LINK_NOT_IP) != 0 ? AFXFW_REDIRECT : AFXFW_PASS_NOT_IP;
    case ParseStatus::kOk:
      break;
  }
  if (is_neighbour_discovery(packet)) {
    return (link_traffic & AFXFW_LINK_NEIGHBOUR) != 0 ? AFXFW_REDIRECT : AFXFW_PASS_NEIGHBOUR;
  }
  // kProtocolUnknown is none of the policy's.
  if (packet.protocol < std::size(policy.drop_protocol) &&
      policy.drop_protocol[packet.protocol] != 0) {
    return AFXFW_DROP_PROTOCOL;
  }
  return drops_port(policy, packet) ? AFXFW_DROP_PORT : AFXFW_REDIRECT;
}

}  // namespace afxfw
