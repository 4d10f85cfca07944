#include <rte_fib.h>
#include <rte_fib6.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "dpdk.h"
#include "fib_table.h"

namespace afxfw {
namespace {

constexpr std::uint64_t kMember = 1;

std::string next_name() {
  static int tables = 0;
  return "table" + std::to_string(tables++);
}

template <typename Bits>
std::array<std::uint8_t, sizeof(Bits)> in_network_order(Bits address) {
  std::array<std::uint8_t, sizeof(Bits)> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(address >> (8 * (bytes.size() - 1 - i)));
  }
  return bytes;
}

// What rte_fib6 may reserve, without looking at which groups are shared.
std::size_t groups_at_most(std::span<const Prefix> prefixes) {
  std::size_t count = 0;
  for (const Prefix& prefix : prefixes) {
    if (prefix.length() > 24) count += (prefix.length() - 24 + 7) / 8;
  }
  return count;
}

// Below the first 24 bits, both tables have a group of 256 entries for each leading
// part of 24, 32, 40 … bits that longer prefixes begin with.
template <typename Bits>
std::size_t groups(std::span<const Prefix> prefixes) {
  constexpr unsigned kFirstLevel = 24;
  std::size_t count = 0;
  std::vector<Bits> leading;
  for (unsigned bits = kFirstLevel; bits < 8 * sizeof(Bits); bits += 8) {
    leading.clear();
    for (const Prefix& prefix : prefixes) {
      if (prefix.length() <= bits) continue;
      leading.push_back(static_cast<Bits>(prefix.first()) >> (8 * sizeof(Bits) - bits));
    }
    std::sort(leading.begin(), leading.end());
    count +=
        static_cast<std::size_t>(std::unique(leading.begin(), leading.end()) - leading.begin());
  }
  return count;
}

class Dir24 final : public FibTable<Ipv4Bits> {
 public:
  static std::unique_ptr<Dir24> build(std::span<const Prefix> prefixes) {
    const std::size_t before = Dpdk::allocated_bytes();
    const std::size_t needed = std::max<std::size_t>(groups<Ipv4Bits>(prefixes), 1);
    rte_fib_conf conf = {};
    conf.type = RTE_FIB_DIR24_8;
    conf.max_routes = static_cast<int>(prefixes.size());
    // An entry is a next hop or the number of a group, with a bit to tell them apart.
    conf.dir24_8.nh_sz = needed < 1U << 7    ? RTE_FIB_DIR24_8_1B
                         : needed < 1U << 15 ? RTE_FIB_DIR24_8_2B
                                             : RTE_FIB_DIR24_8_4B;
    conf.dir24_8.num_tbl8 = static_cast<std::uint32_t>(needed + 1);
    rte_fib* fib = rte_fib_create(next_name().c_str(), Dpdk::huge_page_socket(), &conf);
    if (fib == nullptr) return nullptr;
    auto table = std::make_unique<Dir24>(fib);
    for (const Prefix& prefix : prefixes) {
      if (rte_fib_add(fib, static_cast<Ipv4Bits>(prefix.first()),
                      static_cast<std::uint8_t>(prefix.length()), kMember) != 0) {
        return nullptr;
      }
    }
    table->bytes_ = Dpdk::allocated_bytes() - before;
    return table;
  }

  explicit Dir24(rte_fib* fib) : fib_(fib) {}
  ~Dir24() override { rte_fib_free(fib_); }
  Dir24(const Dir24&) = delete;
  Dir24& operator=(const Dir24&) = delete;

  [[nodiscard]] std::vector<std::string_view> lookup_types() const override {
    return {"macro", "inline", "uni", "avx512"};
  }

  bool select(std::string_view lookup_type) override {
    const auto type = lookup_type == "macro"    ? RTE_FIB_LOOKUP_DIR24_8_SCALAR_MACRO
                      : lookup_type == "inline" ? RTE_FIB_LOOKUP_DIR24_8_SCALAR_INLINE
                      : lookup_type == "uni"    ? RTE_FIB_LOOKUP_DIR24_8_SCALAR_UNI
                                                : RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512;
    return rte_fib_select_lookup(fib_, type) == 0;
  }

  void lookup(std::span<Query> queries, std::span<std::uint64_t> next_hops) const override {
    rte_fib_lookup_bulk(fib_, queries.data(), next_hops.data(), static_cast<int>(queries.size()));
  }

  [[nodiscard]] std::size_t memory_bytes() const override { return bytes_; }

 private:
  rte_fib* fib_;
  std::size_t bytes_ = 0;
};

class Trie final : public FibTable<Ipv6Bits> {
 public:
  static std::unique_ptr<Trie> build(std::span<const Prefix> prefixes) {
    const std::size_t before = Dpdk::allocated_bytes();
    const std::size_t needed = std::max<std::size_t>(groups<Ipv6Bits>(prefixes), 1);
    rte_fib6_conf conf = {};
    conf.type = RTE_FIB6_TRIE;
    conf.max_routes = static_cast<int>(prefixes.size());
    const std::size_t reserved = std::max<std::size_t>(groups_at_most(prefixes), 1);
    conf.trie.nh_sz = reserved < 1U << 15 ? RTE_FIB6_TRIE_2B : RTE_FIB6_TRIE_4B;
    conf.trie.num_tbl8 = static_cast<std::uint32_t>(reserved + 1);
    rte_fib6* fib = rte_fib6_create(next_name().c_str(), Dpdk::huge_page_socket(), &conf);
    if (fib == nullptr) return nullptr;
    auto table = std::make_unique<Trie>(fib);
    for (const Prefix& prefix : prefixes) {
      if (rte_fib6_add(fib, in_network_order(prefix.first()).data(),
                       static_cast<std::uint8_t>(prefix.length()), kMember) != 0) {
        return nullptr;
      }
    }
    // As if it had been sized for the groups in use.
    const std::size_t group_bytes = std::size_t{256} << conf.trie.nh_sz;
    table->bytes_ = Dpdk::allocated_bytes() - before - (reserved - needed) * group_bytes;
    return table;
  }

  explicit Trie(rte_fib6* fib) : fib_(fib) {}
  ~Trie() override { rte_fib6_free(fib_); }
  Trie(const Trie&) = delete;
  Trie& operator=(const Trie&) = delete;

  [[nodiscard]] std::vector<std::string_view> lookup_types() const override {
    return {"scalar", "avx512"};
  }

  bool select(std::string_view lookup_type) override {
    const auto type =
        lookup_type == "scalar" ? RTE_FIB6_LOOKUP_TRIE_SCALAR : RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512;
    return rte_fib6_select_lookup(fib_, type) == 0;
  }

  void lookup(std::span<Query> queries, std::span<std::uint64_t> next_hops) const override {
    auto* addresses = reinterpret_cast<std::uint8_t(*)[RTE_FIB6_IPV6_ADDR_SIZE]>(queries.data());
    rte_fib6_lookup_bulk(fib_, addresses, next_hops.data(), static_cast<int>(queries.size()));
  }

  [[nodiscard]] std::size_t memory_bytes() const override { return bytes_; }

 private:
  rte_fib6* fib_;
  std::size_t bytes_ = 0;
};

template <typename Bits>
using Table = std::conditional_t<std::is_same_v<Bits, Ipv4Bits>, Dir24, Trie>;

}  // namespace

template <typename Bits>
bool FibTable<Bits>::available() {
  return Dpdk::ready();
}

template <typename Bits>
std::unique_ptr<FibTable<Bits>> FibTable<Bits>::build(std::span<const Prefix> prefixes) {
  return Table<Bits>::build(prefixes);
}

template class FibTable<Ipv4Bits>;
template class FibTable<Ipv6Bits>;

}  // namespace afxfw
