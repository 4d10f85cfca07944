#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "net/address.h"
#include "rules/ipv4_block.h"
#include "rules/ipv4_prefix_set.h"

namespace afxfw {

/// Fills an Ipv4PrefixSet, block after block.
class Ipv4PrefixSetBuilder {
 public:
  explicit Ipv4PrefixSetBuilder(Ipv4PrefixSet& set)
      : set_(set), blocks_(set.blocks_), lines_(set.lines_) {}

  /// edges: as MembershipEdges has them.
  void add_all(std::span<const Ipv4Bits> edges);

 private:
  Ipv4Block next_block(std::uint32_t number);
  // Add lines for changes_; the first two only if what they make is worth it, with the
  // parts that part_bits_ then says.
  bool try_points();
  bool try_changes();
  Ipv4Block make_split(std::uint32_t kind);
  Ipv4Block make_bitmap(std::uint32_t kind);
  /// filling: in all of its words.
  Ipv4Line& add_line(std::uint16_t filling);

  Ipv4PrefixSet& set_;
  TableVector<Ipv4Block>& blocks_;
  TableVector<Ipv4Line>& lines_;
  std::span<const Ipv4Bits> rest_;  // edges above the blocks so far
  bool inside_ = false;             // membership right after them

  // Of one block.
  std::vector<std::uint16_t> changes_;  // the last addresses before them
  std::vector<std::uint16_t> points_;
  std::vector<std::uint16_t> part_sizes_;
  unsigned part_bits_ = 0;
};

}  // namespace afxfw
