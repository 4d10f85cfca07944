#include "net/protocol_name.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "net/packet_view.h"

namespace afxfw {
namespace {

struct ProtocolName {
  std::string_view name;
  std::uint8_t number;
};
// Numbers: IANA "Protocol Numbers".
constexpr std::array<ProtocolName, 9> kProtocolNames = {{
    {"icmp", IPPROTO_ICMP},
    {"igmp", IPPROTO_IGMP},
    {"tcp", IPPROTO_TCP},
    {"udp", IPPROTO_UDP},
    {"gre", IPPROTO_GRE},
    {"esp", IPPROTO_ESP},
    {"ah", IPPROTO_AH},
    {"icmpv6", IPPROTO_ICMPV6},
    {"sctp", IPPROTO_SCTP},
}};

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string protocol_name(std::uint16_t protocol) {
  if (protocol == PacketView::kProtocolUnknown) return "unknown";
  for (const ProtocolName& known : kProtocolNames) {
    if (known.number == protocol) return std::string(known.name);
  }
  return std::to_string(protocol);
}

std::optional<std::uint8_t> protocol_number(std::string_view name) noexcept {
  for (const ProtocolName& known : kProtocolNames) {
    if (std::equal(name.begin(), name.end(), known.name.begin(), known.name.end(),
                   [](char given, char letter) { return lower(given) == letter; })) {
      return known.number;
    }
  }
  return std::nullopt;
}

}  // namespace afxfw
