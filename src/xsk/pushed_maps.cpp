#include "xsk/pushed_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "afxfw_abi.h"

namespace afxfw {
PushedMaps::PushedMaps(int ipv4_map, int ipv6_map)
    : ipv4_map_(ipv4_map),
      ipv6_map_(ipv6_map),
      per_cpu_(static_cast<std::size_t>(libbpf_num_possible_cpus())) {
  static_assert(sizeof(afxfw_pushed) == sizeof(std::uint64_t));
}

int PushedMaps::add(const PushedKey& source) {
  std::fill(per_cpu_.begin(), per_cpu_.end(), 0);
  return bpf_map_update_elem(map_of(source), source.bytes.data(), per_cpu_.data(), BPF_ANY) == 0
             ? 0
             : errno;
}

int PushedMaps::remove(const PushedKey& source) noexcept {
  return bpf_map_delete_elem(map_of(source), source.bytes.data()) == 0 ? 0 : errno;
}

std::optional<std::uint64_t> PushedMaps::packets(const PushedKey& source) {
  if (bpf_map_lookup_elem(map_of(source), source.bytes.data(), per_cpu_.data()) != 0) {
    return std::nullopt;
  }
  return std::accumulate(per_cpu_.begin(), per_cpu_.end(), std::uint64_t{0});
}

}  // namespace afxfw
