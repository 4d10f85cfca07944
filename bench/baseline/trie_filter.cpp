#include "trie_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <vector>

#include "attachment.h"
#include "bpf/xdp_trie.h"
#include "util/error.h"
#include "xdp_trie.skel.h"

namespace afxfw::bench {

namespace {

template <typename Key>
Key make_key(const Prefix& prefix) {
  Key key = {prefix.length(), {}};
  for (std::size_t i = 0; i < sizeof(key.address); ++i) {
    key.address[i] =
        static_cast<std::uint8_t>(prefix.first() >> (8 * (sizeof(key.address) - 1 - i)));
  }
  return key;
}

void enter_key(const bpf_map* map, const void* key) {
  const std::uint8_t value = 1;
  if (bpf_map_update_elem(bpf_map__fd(map), key, &value, BPF_ANY) != 0) {
    throw errno_error("cannot enter a prefix into the LPM trie", errno);
  }
}

}  // namespace

TrieFilter::TrieFilter(xdp_trie_bpf* skeleton) noexcept : skeleton_(skeleton) {}
TrieFilter::TrieFilter(TrieFilter&&) noexcept = default;
TrieFilter::~TrieFilter() = default;

void TrieFilter::Deleter::operator()(xdp_trie_bpf* skeleton) const noexcept {
  xdp_trie_bpf__destroy(skeleton);
}

TrieFilter TrieFilter::attach(const std::string& interface, int ifindex,
                              std::span<const Prefix> prefixes, bool pass_allowed) {
  TrieFilter filter(xdp_trie_bpf__open());
  if (filter.skeleton_ == nullptr) throw errno_error("cannot open the XDP program", errno);
  filter.skeleton_->rodata->allowed_action = pass_allowed ? XDP_PASS : XDP_DROP;
  const auto ipv4 = static_cast<std::uint32_t>(std::ranges::count_if(
      prefixes, [](const Prefix& prefix) { return prefix.family() == Family::kIpv4; }));
  const std::uint32_t ipv6 = static_cast<std::uint32_t>(prefixes.size()) - ipv4;
  // A trie for no entry at all is refused.
  bpf_map__set_max_entries(filter.skeleton_->maps.ipv4_trie, std::max(ipv4, 1U));
  bpf_map__set_max_entries(filter.skeleton_->maps.ipv6_trie, std::max(ipv6, 1U));
  if (const int result = xdp_trie_bpf__load(filter.skeleton_.get()); result != 0) {
    throw errno_error("cannot load the XDP program", -result);
  }
  filter.enter(prefixes);
  filter.link_ =
      attach_native(bpf_program__fd(filter.skeleton_->progs.xdp_trie), interface, ifindex);
  return filter;
}

void TrieFilter::enter(std::span<const Prefix> prefixes) {
  for (const Prefix& prefix : prefixes) {
    if (prefix.family() == Family::kIpv4) {
      const auto key = make_key<trie_ipv4_key>(prefix);
      enter_key(skeleton_->maps.ipv4_trie, &key);
    } else {
      const auto key = make_key<trie_ipv6_key>(prefix);
      enter_key(skeleton_->maps.ipv6_trie, &key);
    }
  }
}

TrieFilter::Counts TrieFilter::counts() const {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) throw errno_error("cannot count the CPUs", -cpus);
  std::vector<std::uint64_t> values(static_cast<std::size_t>(cpus));
  const auto sum = [&](std::uint32_t counter) {
    const int map_fd = bpf_map__fd(skeleton_->maps.counters);
    if (bpf_map_lookup_elem(map_fd, &counter, values.data()) != 0) {
      throw errno_error("cannot read the XDP program's counters", errno);
    }
    return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
  };
  return {sum(TRIE_OTHER), sum(TRIE_BLOCKED), sum(TRIE_ALLOWED)};
}

}  // namespace afxfw::bench
