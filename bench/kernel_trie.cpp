#include "kernel_trie.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cerrno>
#include <type_traits>
#include <vector>

#include "lpm_trie.skel.h"
#include "util/error.h"

namespace afxfw {
namespace {

template <typename Bits>
constexpr bool kIsIpv4 = std::is_same_v<Bits, Ipv4Bits>;

template <typename Bits>
using Key = std::conditional_t<kIsIpv4<Bits>, ipv4_key, ipv6_key>;

template <typename Bits>
Key<Bits> make_key(Bits address, unsigned length) {
  Key<Bits> key = {length, {}};
  for (std::size_t i = 0; i < sizeof(Bits); ++i) {
    key.address[i] = static_cast<std::uint8_t>(address >> (8 * (sizeof(Bits) - 1 - i)));
  }
  return key;
}

int ignore(libbpf_print_level, const char*, va_list) { return 0; }

}  // namespace

template <typename Bits>
KernelTrie<Bits>::KernelTrie(lpm_trie_bpf* skeleton) noexcept : skeleton_(skeleton) {}
template <typename Bits>
KernelTrie<Bits>::KernelTrie(KernelTrie&&) noexcept = default;
template <typename Bits>
KernelTrie<Bits>::~KernelTrie() = default;

template <typename Bits>
void KernelTrie<Bits>::Deleter::operator()(lpm_trie_bpf* skeleton) const noexcept {
  lpm_trie_bpf__destroy(skeleton);
}

template <typename Bits>
KernelTrie<Bits> KernelTrie<Bits>::build(std::span<const Prefix> prefixes) {
  libbpf_set_print(ignore);
  KernelTrie trie(lpm_trie_bpf__open());
  if (trie.skeleton_ == nullptr) throw errno_error("cannot open the BPF program", errno);
  bpf_map* map = kIsIpv4<Bits> ? trie.skeleton_->maps.ipv4_trie : trie.skeleton_->maps.ipv6_trie;
  bpf_map__set_max_entries(map, static_cast<std::uint32_t>(prefixes.size()));
  if (const int code = lpm_trie_bpf__load(trie.skeleton_.get()); code != 0) {
    throw errno_error("cannot load the BPF program", -code);
  }
  const std::uint8_t value = 1;
  for (const Prefix& prefix : prefixes) {
    const auto key = make_key<Bits>(static_cast<Bits>(prefix.first()), prefix.length());
    if (bpf_map_update_elem(bpf_map__fd(map), &key, &value, BPF_ANY) != 0) {
      throw errno_error("cannot enter a prefix into the LPM trie", errno);
    }
  }
  return trie;
}

template <typename Bits>
void KernelTrie<Bits>::set_queries(std::span<const Bits> queries) {
  for (std::size_t i = 0; i < kQueries; ++i) {
    const auto key = make_key<Bits>(queries[i % queries.size()], 8 * sizeof(Bits));
    if constexpr (kIsIpv4<Bits>) {
      skeleton_->bss->ipv4_queries[i] = key;
    } else {
      skeleton_->bss->ipv6_queries[i] = key;
    }
  }
}

template <typename Bits>
std::uint64_t KernelTrie<Bits>::run(std::uint32_t times) {
  const bpf_program* program =
      kIsIpv4<Bits> ? skeleton_->progs.ask_ipv4 : skeleton_->progs.ask_ipv6;
  skeleton_->bss->next_query = 0;
  skeleton_->bss->found = 0;
  std::array<std::byte, 64> packet = {};
  bpf_test_run_opts options = {};
  options.sz = sizeof(options);
  options.data_in = packet.data();
  options.data_size_in = packet.size();
  options.repeat = static_cast<int>(times);
  if (const int code = bpf_prog_test_run_opts(bpf_program__fd(program), &options); code != 0) {
    throw errno_error("cannot run the BPF program", -code);
  }
  return skeleton_->bss->found;
}

template class KernelTrie<Ipv4Bits>;
template class KernelTrie<Ipv6Bits>;

}  // namespace afxfw
