#include "xsk/flow_table.h"

#include <bpf/bpf.h>

#include <cerrno>

namespace afxfw {

int FlowTable::add(const afxfw_ipv4_flow& flow, std::uint64_t value) const noexcept {
  return bpf_map_update_elem(ipv4_map_, &flow, &value, BPF_ANY) == 0 ? 0 : errno;
}

int FlowTable::add(const afxfw_ipv6_flow& flow, std::uint64_t value) const noexcept {
  return bpf_map_update_elem(ipv6_map_, &flow, &value, BPF_ANY) == 0 ? 0 : errno;
}

}  // namespace afxfw
