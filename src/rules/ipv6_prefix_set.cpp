#include "rules/ipv6_prefix_set.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <type_traits>

#include "rules/ipv6_prefix_set_builder.h"
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

Ipv6PrefixSet::Ipv6PrefixSet() : Ipv6PrefixSet(from_edges({}, 0)) {}

Ipv6PrefixSet::Ipv6PrefixSet(std::size_t entries, std::size_t ranges)
    : entries_(entries), ranges_(ranges) {}

Ipv6PrefixSet Ipv6PrefixSet::from_edges(std::span<const Ipv6Bits> edges, std::size_t entries) {
  Ipv6PrefixSet set(entries, (edges.size() + 1) / 2);
  // No change can come before address 0: if that is a member, lists describe the
  // complement.
  const bool inverted = !edges.empty() && edges.front() == 0;
  if (inverted) edges = edges.subspan(1);
  set.lines_.assign(1, Line::list({}));
  set.root_.inside_below = set.root_.inside_above = set.root_.inverted = inverted;
  if (edges.empty()) {
    // Of its one part, and of what is outside of it.
    set.lines_.resize(2, Line::list({}));
    return set;
  }
  set.root_ = Ipv6PrefixSetBuilder(set.lines_).divide_root({0, inverted, edges}, inverted);
  set.lines_.shrink_to_fit();
  return set;
}

Ipv6PrefixSet Ipv6PrefixSet::build(std::span<const Prefix> prefixes) {
  const MembershipEdges<Ipv6Bits> members = membership_edges<Ipv6Bits>(prefixes);
  return from_edges(members.edges, members.prefixes);
}

/// Look-ups of up to kAskedAtOnce addresses in steps, so that their cache misses overlap: the
/// lines that the root says; from those that divide, on to the lines they say, until none
/// does; then all lines at once. What differs between addresses is data, not a branch.
class Ipv6PrefixSet::Batch {
 public:
  /// addresses: at most kAskedAtOnce.
  Batch(const Ipv6PrefixSet& set, std::span<const Ipv6Bits> addresses)
      : lines_(set.lines_.data()), addresses_(addresses) {
    const Division& root = set.root_;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      keys_[i] = upper_half(addresses[i]);
      const Half above = std::min<Half>((keys_[i] - root.base) >> root.shift, root.last_part + 1);
      const Half part = keys_[i] < root.base ? root.last_part + 1 : above;
      slots_[i] = static_cast<std::uint32_t>(root.first_line + part);
      __builtin_prefetch(&lines_[slots_[i]]);
    }
    inverted_.fill(root.inverted);
  }

  /// Leaves no line that divides.
  void descend() noexcept {
    std::array<std::uint8_t, kAskedAtOnce> waiting;
    std::size_t count = 0;
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      waiting[count] = static_cast<std::uint8_t>(i);
      count += lines_[slots_[i]].kind() == Line::kDivision ? 1 : 0;
    }
    while (count != 0) {
      for (std::size_t w = 0; w < count; ++w) enter(waiting[w]);
      std::size_t left = 0;
      for (std::size_t w = 0; w < count; ++w) {
        const std::uint8_t i = waiting[w];
        waiting[left] = i;
        left += lines_[slots_[i]].kind() == Line::kDivision ? 1 : 0;
      }
      count = left;
    }
  }

  [[nodiscard]] Members read() const noexcept {
    Members members = 0;
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      const Line& line = lines_[slots_[i]];
      const bool odd = line.is_list() ? line.odd_changes_before(keys_[i])
                                      : line.odd_changes_before(addresses_[i]);
      members |= Members{odd != inverted_[i]} << i;
    }
    return members;
  }

#ifdef __x86_64__
  [[nodiscard]] AFXFW_TARGET_AVX512 Members read_avx512() const noexcept {
    constexpr __mmask8 kLowerHalves = 0b1010'1010;
    Members members = 0;
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      const Line& line = lines_[slots_[i]];
      const __m512i words = _mm512_load_si512(line.words());
      const __m512i key = _mm512_set1_epi64(static_cast<long long>(keys_[i]));
      const unsigned list = _mm512_cmplt_epu64_mask(words, key);
      // As upper and lower halves in turn: less in the upper one, or equal there and less in
      // the other.
      const __m512i upper = _mm512_set1_epi64(static_cast<long long>(upper_half(addresses_[i])));
      const __m512i address = _mm512_mask_set1_epi64(
          upper, kLowerHalves, static_cast<long long>(lower_half(addresses_[i])));
      const unsigned less = _mm512_cmplt_epu64_mask(words, address);
      const unsigned equal = _mm512_cmpeq_epi64_mask(words, address);
      const unsigned full = (less | (equal & less >> 1)) & kFullMask;
      const unsigned changes = line.kind() == Line::kFull ? full : list;
      const auto count = static_cast<unsigned>(std::popcount(changes));
      members |= Members{(count ^ static_cast<unsigned>(inverted_[i])) & 1} << i;
    }
    return members;
  }
#endif

 private:
  // The upper halves of the changes in a full line.
  static constexpr unsigned kFullMask = 0b01'0101;

  /// From the line of address i to the one that it says.
  void enter(std::size_t i) noexcept {
    const Division division = lines_[slots_[i]].division();
    const Half upper = upper_half(addresses_[i]);
    const Half key = division.of_lower ? lower_half(addresses_[i]) : upper;
    const Half part = (key - division.base) >> division.shift;
    if (division.of_lower && upper != division.upper) {
      settle(i, upper < division.upper ? division.inside_before_upper : division.inside_above);
    } else if (key < division.base) {
      settle(i, division.inside_below);
    } else if (part > division.last_part) {
      settle(i, division.inside_above);
    } else {
      slots_[i] = static_cast<std::uint32_t>(division.first_line + part);
      keys_[i] = key;
      inverted_[i] = division.inverted;
      __builtin_prefetch(&lines_[slots_[i]]);
    }
  }

  void settle(std::size_t i, bool inside) noexcept {
    slots_[i] = kEmptyLine;
    inverted_[i] = inside;
  }

  const Line* lines_;
  std::span<const Ipv6Bits> addresses_;
  std::array<std::uint32_t, kAskedAtOnce> slots_;
  std::array<Half, kAskedAtOnce> keys_;  // what the changes of lists are compared with
  std::array<bool, kAskedAtOnce> inverted_;
};

Members Ipv6PrefixSet::members(std::span<const Ipv6Bits> addresses,
                               [[maybe_unused]] Simd simd) const noexcept {
  assert(addresses.size() <= kAskedAtOnce);
  Batch batch(*this, addresses);
  batch.descend();
#ifdef __x86_64__
  if (simd == Simd::kAvx512) return batch.read_avx512();
#endif
  return batch.read();
}

}  // namespace afxfw
