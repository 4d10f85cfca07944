#include "rules/ipv6_prefix_set.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <type_traits>

#include "rules/address_part.h"
#include "rules/membership_edges.h"

namespace afxfw {

Ipv6PrefixSet::Line Ipv6PrefixSet::Line::list(std::span<const Half> changes) noexcept {
  assert(changes.size() <= kWords);
  Line line;
  line.words_.fill(kUnused);
  std::copy(changes.begin(), changes.end(), line.words_.begin());
  return line;
}

Ipv6PrefixSet::Line Ipv6PrefixSet::Line::full(std::span<const Ipv6Bits> changes) noexcept {
  assert(changes.size() <= kFullChanges);
  Line line;
  line.words_.fill(kUnused);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    line.words_[2 * i] = upper_half(changes[i]);
    line.words_[2 * i + 1] = lower_half(changes[i]);
  }
  line.words_[7] = kFull;
  return line;
}

Ipv6PrefixSet::Line Ipv6PrefixSet::Line::division(const Division& division) noexcept {
  static_assert(sizeof(Division) <= (kWords - 1) * sizeof(Half));
  Line line;
  line.words_ = {};
  std::memcpy(line.words_.data(), &division, sizeof(division));
  line.words_[7] = kDivision;
  return line;
}

Ipv6PrefixSet::Division Ipv6PrefixSet::Line::division() const noexcept {
  Division division;
  // It has no constructor but for its default values.
  static_assert(std::is_trivially_copyable_v<Division>);
  std::memcpy(static_cast<void*>(&division), words_.data(), sizeof(division));
  return division;
}

class Ipv6PrefixSet::Builder {
 public:
  explicit Builder(TableVector<Line>& lines) : lines_(lines) {}

  using Part = AddressPart<Ipv6Bits>;

  /// Adds the lines of a part, which has an edge, divided by upper halves. `part`
  /// begins with a whole /64. inverted: lines describe the complement; part.inside
  /// does not.
  Division divide_upper(const Part& part, bool inverted) {
    Division division;
    division.base = upper_half(part.edges.front());
    division.inverted = inverted;
    const std::size_t per_line = is_narrow(part.edges) ? kHalvesPerLine : kAddressesPerLine;
    set_parts(division, upper_half(part.edges.back()) - division.base, part.edges.size(), per_line);
    add_lines(division, part, Ipv6Bits{division.base} << 64, 64);
    return division;
  }

 private:
  /// Half-full lines: few lists overflow where changes are spread at random.
  static constexpr std::size_t kHalvesPerLine = Line::kWords / 2;
  static constexpr std::size_t kAddressesPerLine = 2;

  /// Changes of membership depend on upper halves only.
  static bool is_narrow(std::span<const Ipv6Bits> edges) {
    return std::all_of(edges.begin(), edges.end(),
                       [](Ipv6Bits edge) { return lower_half(edge) == 0; });
  }

  static void set_parts(Division& division, Half span, std::size_t edges, std::size_t per_line) {
    const EqualParts parts = equal_parts(span, edges, per_line);
    division.shift = parts.shift;
    division.last_part = parts.last;
  }

  /// Divides the lower halves of the one /64 in which all edges of `part` are.
  Division divide_lower(Part part) {
    Division division;
    division.of_lower = true;
    division.upper = upper_half(part.edges.front());
    division.inside_before_upper = part.inside;
    if (lower_half(part.edges.front()) == 0) {
      part.inside = !part.inside;
      part.edges = part.edges.subspan(1);
    }
    division.inverted = part.inside;
    fill_lower(division, part);
    return division;
  }

  /// The same for a part of such a /64, which began before this part.
  Division divide_lower_again(const Division& parent, const Part& part) {
    Division division;
    division.of_lower = true;
    division.upper = parent.upper;
    division.inverted = parent.inverted;
    fill_lower(division, part);
    return division;
  }

  void fill_lower(Division& division, const Part& part) {
    division.base = lower_half(part.edges.front());
    set_parts(division, lower_half(part.edges.back()) - division.base, part.edges.size(),
              kHalvesPerLine);
    add_lines(division, part, part.edges.front(), 0);
  }

  /// Adds a line for each part of `division`. first: its first address; unit_shift:
  /// 64 if it is one of upper halves, 0 for lower halves.
  void add_lines(Division& division, const Part& whole, Ipv6Bits first, unsigned unit_shift) {
    division.inside_below = whole.inside;
    division.inside_above = whole.inside != (whole.edges.size() % 2 != 0);
    division.first_line = static_cast<std::uint32_t>(lines_.size());
    lines_.resize(lines_.size() + division.last_part + 1);

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

  Line make_line(const Division& division, const Part& part) {
    // What lists count from is "outside", of the set or of its complement.
    const bool begins = part.inside != division.inverted;
    const std::size_t changes = part.edges.size() + (begins ? 1 : 0);
    const bool halves = division.of_lower || is_narrow(part.edges);
    if (halves && changes <= Line::kWords) return make_list(division, part, begins);
    if (division.of_lower) return Line::division(divide_lower_again(division, part));
    if (changes <= Line::kFullChanges) return make_full(part, begins);
    if (upper_half(part.edges.front()) == upper_half(part.edges.back())) {
      return Line::division(divide_lower(part));
    }
    return Line::division(divide_upper(part, division.inverted));
  }

  static Line make_list(const Division& division, const Part& part, bool begins) {
    const auto key = [&](Ipv6Bits address) {
      return division.of_lower ? lower_half(address) : upper_half(address);
    };
    std::array<Half, Line::kWords> changes;
    std::size_t count = 0;
    if (begins) changes[count++] = key(part.first) - 1;
    for (const Ipv6Bits edge : part.edges) changes[count++] = key(edge) - 1;
    return Line::list({changes.data(), count});
  }

  static Line make_full(const Part& part, bool begins) {
    std::array<Ipv6Bits, Line::kFullChanges> changes;
    std::size_t count = 0;
    if (begins) changes[count++] = part.first - 1;
    for (const Ipv6Bits edge : part.edges) changes[count++] = edge - 1;
    return Line::full({changes.data(), count});
  }

  TableVector<Line>& lines_;
};

Ipv6PrefixSet::Ipv6PrefixSet() : lines_{Line::list({})} {}

Ipv6PrefixSet Ipv6PrefixSet::build(std::span<const Prefix> prefixes) {
  Ipv6PrefixSet set;
  const MembershipEdges<Ipv6Bits> members = membership_edges<Ipv6Bits>(prefixes);
  set.entries_ = members.prefixes;
  set.ranges_ = members.ranges();
  std::span<const Ipv6Bits> edges = members.edges;
  // No change can come before address 0: if that is a member, lists describe the
  // complement.
  const bool inverted = !edges.empty() && edges.front() == 0;
  if (inverted) edges = edges.subspan(1);
  set.root_.inside_below = set.root_.inside_above = set.root_.inverted = inverted;
  if (edges.empty()) return set;
  set.lines_.clear();
  set.root_ = Builder(set.lines_).divide_upper({0, inverted, edges}, inverted);
  set.lines_.shrink_to_fit();
  return set;
}

void Ipv6PrefixSet::contains(std::span<const Ipv6Bits> addresses,
                             std::span<bool> inside) const noexcept {
  constexpr std::size_t kBatch = 64;
  assert(inside.size() == addresses.size());
  for (std::size_t done = 0; done < addresses.size(); done += kBatch) {
    const std::size_t end = std::min(done + kBatch, addresses.size());
    for (std::size_t i = done; i < end; ++i) prefetch(addresses[i]);
    for (std::size_t i = done; i < end; ++i) inside[i] = contains(addresses[i]);
  }
}

}  // namespace afxfw
