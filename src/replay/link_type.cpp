#include "replay/link_type.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

namespace afxfw {

std::optional<LinkType> find_link_type(int dlt) noexcept {
  switch (dlt) {
    case DLT_EN10MB:
      return LinkType::kEthernet;
    case DLT_RAW:
      return LinkType::kRawIp;
    case DLT_IPV4:
      return LinkType::kIpv4;
    case DLT_IPV6:
      return LinkType::kIpv6;
    case DLT_LINUX_SLL:
      return LinkType::kLinuxCooked;
    case DLT_LINUX_SLL2:
      return LinkType::kLinuxCooked2;
    case DLT_NULL:
    case DLT_LOOP:
      return LinkType::kLoopback;
    default:
      return std::nullopt;
  }
}

std::string describe_link_type(int dlt) {
  const char* description = pcap_datalink_val_to_description(dlt);
  return description != nullptr ? description : fmt::format("number {}", dlt);
}

}  // namespace afxfw
