#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "net/address.h"
#include "net/prefix.h"

namespace afxfw {

/// A table of DPDK to compare with: rte_fib's DIR24_8 for IPv4, rte_fib6's TRIE for
/// IPv6. Without DPDK at build time there is none.
template <typename Bits>
class FibTable {
 public:
  /// An address as the table is asked for it: IPv4 in host byte order.
  using Query = std::conditional_t<std::is_same_v<Bits, Ipv4Bits>, std::uint32_t,
                                   std::array<std::uint8_t, 16>>;

  virtual ~FibTable() = default;
  FibTable() = default;
  FibTable(const FibTable&) = delete;
  FibTable& operator=(const FibTable&) = delete;

  /// Whether build() will make one.
  static bool available();

  /// Sized for these prefixes, with the smallest next hops that can be. Null if it
  /// fails.
  static std::unique_ptr<FibTable> build(std::span<const Prefix> prefixes);

  /// Names of its look-up functions; how to choose one.
  [[nodiscard]] virtual std::vector<std::string_view> lookup_types() const = 0;
  virtual bool select(std::string_view lookup_type) = 0;

  /// next_hops: as many as queries; 0 where there is no prefix.
  virtual void lookup(std::span<Query> queries, std::span<std::uint64_t> next_hops) const = 0;
  /// What DPDK's allocator says that building took, with the copy of the prefixes that
  /// it needs for changes.
  [[nodiscard]] virtual std::size_t memory_bytes() const = 0;
};

}  // namespace afxfw
