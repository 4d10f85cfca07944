#pragma once

#include <cstdint>

#include "afxfw_abi.h"

namespace afxfw {

/// The XDP program's maps of accepted flows, least recently used ones out first. Does not own
/// the maps: XdpProgram, which makes it, outlives it. Any number of threads.
class FlowTable {
 public:
  FlowTable(int ipv4_map, int ipv6_map) noexcept : ipv4_map_(ipv4_map), ipv6_map_(ipv6_map) {}

  /// Puts a flow in, in place of what the map says of it, by one system call (bpf(2)) of about
  /// a microsecond. value: afxfw_flow_value(). Returns 0 or an errno.
  [[nodiscard]] int add(const afxfw_ipv4_flow& flow, std::uint64_t value) const noexcept;
  [[nodiscard]] int add(const afxfw_ipv6_flow& flow, std::uint64_t value) const noexcept;

 private:
  int ipv4_map_;
  int ipv6_map_;
};

}  // namespace afxfw
