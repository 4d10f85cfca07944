#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "net/address.h"
#include "net/prefix.h"
#include "rules/ipv4_block.h"
#include "rules/members.h"
#include "util/huge_page_allocator.h"
#include "util/simd.h"

namespace afxfw {

/// An immutable set of IPv4 addresses, built from prefixes. Addresses are in host
/// byte order.
///
/// Any number of threads may look up at once. A moved-from set may only be
/// destroyed or assigned to.
///
/// The first 16 bits of an address pick a block, of which a word says where its cache
/// lines are and how to read them (ipv4_block.h); the words are in a table of two levels,
/// 8 bits each, so that a small set is small. Nearly every look-up then reads one line.
class Ipv4PrefixSet {
 public:
  /// The empty set.
  Ipv4PrefixSet();

  /// Takes the IPv4 prefixes and ignores the others. They may come in any order,
  /// nest, repeat and touch. Takes O(n log n), and at its peak about five times
  /// the memory of the result.
  [[nodiscard]] static Ipv4PrefixSet build(std::span<const Prefix> prefixes);

  /// edges: as MembershipEdges has them.
  [[nodiscard]] static Ipv4PrefixSet from_edges(std::span<const Ipv4Bits> edges,
                                                std::size_t entries);

  [[nodiscard]] bool contains(Ipv4Bits address) const noexcept {
    const Ipv4Block block = block_of(address);
    std::size_t slot = block.slot(address);
    if (block.is_split()) slot += 1 + lines_[slot].changes_before(address);
    return block.contains(lines_[slot], address);
  }

  /// contains() for at most kAskedAtOnce addresses, whose cache misses overlap. simd: at
  /// most widest_simd().
  [[nodiscard]] Members members(std::span<const Ipv4Bits> addresses,
                                Simd simd = widest_simd()) const noexcept;

  /// What it was built from, as MembershipEdges has it.
  [[nodiscard]] std::vector<Ipv4Bits> edges() const;

  /// How many IPv4 prefixes build() was given, duplicates included.
  [[nodiscard]] std::size_t entries() const noexcept { return entries_; }
  /// How many separate runs of addresses they make.
  [[nodiscard]] std::size_t ranges() const noexcept { return ranges_; }
  [[nodiscard]] bool empty() const noexcept { return ranges_ == 0; }
  /// Heap memory held.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return blocks_.size() * sizeof(Ipv4Block) + lines_.size() * sizeof(Ipv4Line);
  }

 private:
  friend class Ipv4PrefixSetBuilder;
  class Batch;
  class EdgeWalk;

  static constexpr std::size_t kGroup = 256;  // blocks with the same first 8 bits

  Ipv4PrefixSet(std::size_t entries, std::size_t ranges);

  [[nodiscard]] Ipv4Block block_of(Ipv4Bits address) const noexcept {
    return blocks_[blocks_[address >> 24].bits() + (address >> 16 & 0xff)];
  }

  // The first 256 are no blocks but where the 256 blocks begin that have these first 8 bits
  // in common.
  TableVector<Ipv4Block> blocks_;
  TableVector<Ipv4Line> lines_;
  // Those of all first 8 bits are there, in order: one of the two steps can be left out.
  bool has_all_groups_ = false;
  bool has_points_ = false;  // any block
  std::size_t entries_ = 0;
  std::size_t ranges_ = 0;
};

}  // namespace afxfw
