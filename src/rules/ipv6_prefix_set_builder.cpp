#include "rules/ipv6_prefix_set_builder.h"

#include <algorithm>
#include <array>

namespace afxfw {
namespace {

/// Half-full lines: few lists overflow where changes are spread at random.
constexpr std::size_t kHalvesPerLine = 4;
constexpr std::size_t kAddressesPerLine = 2;

/// Changes of membership depend on upper halves only.
bool is_narrow(std::span<const Ipv6Bits> edges) {
  return std::all_of(edges.begin(), edges.end(),
                     [](Ipv6Bits edge) { return static_cast<std::uint64_t>(edge) == 0; });
}

void set_parts(Ipv6PrefixSetBuilder::Division& division, std::uint64_t span, std::size_t edges,
               std::size_t per_line) {
  const EqualParts parts = equal_parts(span, edges, per_line);
  division.shift = parts.shift;
  division.last_part = parts.last;
}

}  // namespace

Ipv6PrefixSetBuilder::Division Ipv6PrefixSetBuilder::divide_root(const Part& all, bool inverted) {
  const Division root = divide_upper(all, inverted, 1);
  const std::array<Half, 1> above = {root.base};
  const bool has_change = root.inside_above != root.inside_below;
  lines_[root.first_line + root.last_part + 1] =
      Line::list(std::span(above).first(has_change ? 1 : 0));
  return root;
}

Ipv6PrefixSetBuilder::Division Ipv6PrefixSetBuilder::divide_upper(const Part& part, bool inverted,
                                                                  std::size_t spare_lines) {
  Division division;
  division.base = Ipv6PrefixSet::upper_half(part.edges.front());
  division.inverted = inverted;
  const std::size_t per_line = is_narrow(part.edges) ? kHalvesPerLine : kAddressesPerLine;
  set_parts(division, Ipv6PrefixSet::upper_half(part.edges.back()) - division.base,
            part.edges.size(), per_line);
  add_lines(division, part, Ipv6Bits{division.base} << 64, 64, spare_lines);
  return division;
}

Ipv6PrefixSetBuilder::Division Ipv6PrefixSetBuilder::divide_lower(Part part) {
  Division division;
  division.of_lower = true;
  division.upper = Ipv6PrefixSet::upper_half(part.edges.front());
  division.inside_before_upper = part.inside;
  if (Ipv6PrefixSet::lower_half(part.edges.front()) == 0) {
    part.inside = !part.inside;
    part.edges = part.edges.subspan(1);
  }
  division.inverted = part.inside;
  fill_lower(division, part);
  return division;
}

Ipv6PrefixSetBuilder::Division Ipv6PrefixSetBuilder::divide_lower_again(const Division& parent,
                                                                        const Part& part) {
  Division division;
  division.of_lower = true;
  division.upper = parent.upper;
  division.inverted = parent.inverted;
  fill_lower(division, part);
  return division;
}

void Ipv6PrefixSetBuilder::fill_lower(Division& division, const Part& part) {
  division.base = Ipv6PrefixSet::lower_half(part.edges.front());
  set_parts(division, Ipv6PrefixSet::lower_half(part.edges.back()) - division.base,
            part.edges.size(), kHalvesPerLine);
  add_lines(division, part, part.edges.front(), 0);
}

void Ipv6PrefixSetBuilder::add_lines(Division& division, const Part& whole, Ipv6Bits first,
                                     unsigned unit_shift, std::size_t spare_lines) {
  division.inside_below = whole.inside;
  division.inside_above = whole.inside != (whole.edges.size() % 2 != 0);
  division.first_line = static_cast<std::uint32_t>(lines_.size());
  lines_.resize(lines_.size() + division.last_part + 1 + spare_lines);

  Part rest = {first, whole.inside, whole.edges};
  rest.take_first_edge();
  for (std::uint32_t i = 0; i <= division.last_part; ++i) {
    // The last part has the rest: its end may be that of the address space.
    const Ipv6Bits end = first + (Ipv6Bits{i + 1} << division.shift << unit_shift);
    const auto above = i == division.last_part
                           ? rest.edges.end()
                           : std::lower_bound(rest.edges.begin(), rest.edges.end(), end);
    const auto count = static_cast<std::size_t>(above - rest.edges.begin());
    const Line line = make_line(division, rest.cut(count, end));
    lines_[division.first_line + i] = line;
  }
}

Ipv6PrefixSet::Line Ipv6PrefixSetBuilder::make_line(const Division& division, const Part& part) {
  // What lists count from is "outside", of the set or of its complement.
  const bool begins = part.inside != division.inverted;
  const std::size_t changes = part.edges.size() + (begins ? 1 : 0);
  const bool halves = division.of_lower || is_narrow(part.edges);
  if (halves && changes <= Line::kWords) return make_list(division, part, begins);
  if (division.of_lower) return Line::division(divide_lower_again(division, part));
  if (changes <= Line::kFullChanges) return make_full(part, begins);
  if (Ipv6PrefixSet::upper_half(part.edges.front()) ==
      Ipv6PrefixSet::upper_half(part.edges.back())) {
    return Line::division(divide_lower(part));
  }
  return Line::division(divide_upper(part, division.inverted));
}

Ipv6PrefixSet::Line Ipv6PrefixSetBuilder::make_list(const Division& division, const Part& part,
                                                    bool begins) {
  const auto key = [&](Ipv6Bits address) {
    return division.of_lower ? Ipv6PrefixSet::lower_half(address)
                             : Ipv6PrefixSet::upper_half(address);
  };
  std::array<Half, Line::kWords> changes;
  std::size_t count = 0;
  if (begins) changes[count++] = key(part.first) - 1;
  for (const Ipv6Bits edge : part.edges) changes[count++] = key(edge) - 1;
  return Line::list({changes.data(), count});
}

Ipv6PrefixSet::Line Ipv6PrefixSetBuilder::make_full(const Part& part, bool begins) {
  std::array<Ipv6Bits, Line::kFullChanges> changes;
  std::size_t count = 0;
  if (begins) changes[count++] = part.first - 1;
  for (const Ipv6Bits edge : part.edges) changes[count++] = edge - 1;
  return Line::full({changes.data(), count});
}

}  // namespace afxfw
