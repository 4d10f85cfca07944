#pragma once

#include <cstddef>
#include <span>

#include "net/address.h"
#include "rules/address_part.h"
#include "rules/ipv6_prefix_set.h"
#include "util/huge_page_allocator.h"

namespace afxfw {

/// Adds the lines of an Ipv6PrefixSet, division by division.
class Ipv6PrefixSetBuilder {
 public:
  using Part = AddressPart<Ipv6Bits>;
  using Division = Ipv6PrefixSet::Division;

  explicit Ipv6PrefixSetBuilder(TableVector<Ipv6PrefixSet::Line>& lines) : lines_(lines) {}

  /// Adds the lines of all addresses, of which `all` has the edges, at least one, and after
  /// those of the parts one for the addresses outside of them. inverted: lines describe the
  /// complement; all.inside does not.
  Division divide_root(const Part& all, bool inverted);

 private:
  using Half = Ipv6PrefixSet::Half;
  using Line = Ipv6PrefixSet::Line;

  /// Adds the lines of a part, which has an edge, divided by upper halves. `part`
  /// begins with a whole /64. spare_lines: more of them.
  Division divide_upper(const Part& part, bool inverted, std::size_t spare_lines = 0);
  /// Divides the lower halves of the one /64 in which all edges of `part` are.
  Division divide_lower(Part part);
  /// The same for a part of such a /64, which began before this part.
  Division divide_lower_again(const Division& parent, const Part& part);
  void fill_lower(Division& division, const Part& part);
  /// Adds a line for each part of `division`. first: its first address; unit_shift:
  /// 64 if it is one of upper halves, 0 for lower halves.
  void add_lines(Division& division, const Part& whole, Ipv6Bits first, unsigned unit_shift,
                 std::size_t spare_lines = 0);
  Line make_line(const Division& division, const Part& part);
  /// begins: its first address is not what lists count from.
  static Line make_list(const Division& division, const Part& part, bool begins);
  static Line make_full(const Part& part, bool begins);

  TableVector<Line>& lines_;
};

}  // namespace afxfw
