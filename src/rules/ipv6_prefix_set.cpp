#include "rules/ipv6_prefix_set.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
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
    inverted_ = root.inverted ? ~Members{0} : 0;
  }

  /// Leaves none of these addresses with a line that divides.
  void descend(Members from) noexcept {
    std::array<std::uint8_t, kAskedAtOnce> waiting;
    std::size_t count = 0;
    for (Members rest = from; rest != 0; rest &= rest - 1) {
      const std::size_t i = first_of(rest);
      waiting[count] = static_cast<std::uint8_t>(i);
      count += divides(i) ? 1 : 0;
    }
    while (count != 0) {
      for (std::size_t w = 0; w < count; ++w) enter(waiting[w]);
      std::size_t left = 0;
      for (std::size_t w = 0; w < count; ++w) {
        const std::uint8_t i = waiting[w];
        waiting[left] = i;
        left += divides(i) ? 1 : 0;
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
      members |= Members{odd} << i;
    }
    return members ^ inverted_;
  }

#ifdef __x86_64__
  /// All lines are read as lists at first, and those that are none once more.
  [[nodiscard]] AFXFW_TARGET_AVX512 Members run_avx512() noexcept {
    // Of each list, a bit for each change before the address; and for each word that is
    // none of a list, of which the last one counts.
    alignas(kCacheLine) std::array<__mmask8, kAskedAtOnce> words;
    alignas(kCacheLine) std::array<__mmask8, kAskedAtOnce> kinds;
    const __m512i kind_count = _mm512_set1_epi64(Line::kKindCount);
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      words[i] = changes_in_list(i);
      kinds[i] = _mm512_cmplt_epu64_mask(line_of(i), kind_count);
    }
    const Members no_lists =
        _mm512_movepi8_mask(_mm512_load_si512(kinds.data())) & first_members(addresses_.size());
    descend(no_lists);
    for (Members rest = no_lists; rest != 0; rest &= rest - 1) {
      const std::size_t i = first_of(rest);
      words[i] = (full_ >> i & 1) != 0 ? changes_in_full(i) : changes_in_list(i);
    }
    __m512i folded = _mm512_load_si512(words.data());
    for (const unsigned half : {4U, 2U, 1U}) {
      folded = _mm512_xor_si512(folded, _mm512_srli_epi16(folded, half));
    }
    return _mm512_test_epi8_mask(folded, _mm512_set1_epi8(1)) ^ inverted_;
  }
#endif

 private:
#ifdef __x86_64__
  [[nodiscard]] AFXFW_TARGET_AVX512 __m512i line_of(std::size_t i) const noexcept {
    return _mm512_load_si512(lines_[slots_[i]].words());
  }
  /// Of the list of address i, a bit for each change before it.
  [[nodiscard]] AFXFW_TARGET_AVX512 __mmask8 changes_in_list(std::size_t i) const noexcept {
    return _mm512_cmplt_epu64_mask(line_of(i), _mm512_set1_epi64(static_cast<long long>(keys_[i])));
  }
  /// Of the full line of address i, a bit for each change before it.
  [[nodiscard]] AFXFW_TARGET_AVX512 __mmask8 changes_in_full(std::size_t i) const noexcept {
    constexpr __mmask8 kLowerHalves = 0b1010'1010;
    constexpr unsigned kUpperOfChanges = 0b01'0101;
    const __m512i words = line_of(i);
    // As upper and lower halves in turn: less in the upper one, or equal there and less in
    // the other.
    const __m512i upper = _mm512_set1_epi64(static_cast<long long>(upper_half(addresses_[i])));
    const __m512i address = _mm512_mask_set1_epi64(
        upper, kLowerHalves, static_cast<long long>(lower_half(addresses_[i])));
    const unsigned less = _mm512_cmplt_epu64_mask(words, address);
    const unsigned equal = _mm512_cmpeq_epi64_mask(words, address);
    return static_cast<__mmask8>((less | (equal & less >> 1)) & kUpperOfChanges);
  }
#endif

  /// Whether the line of address i does; notes whether it is a full one.
  bool divides(std::size_t i) noexcept {
    const Half kind = lines_[slots_[i]].kind();
    full_ |= Members{kind == Line::kFull} << i;
    return kind == Line::kDivision;
  }

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
      set_inverted(i, division.inverted);
      __builtin_prefetch(&lines_[slots_[i]]);
    }
  }

  void settle(std::size_t i, bool inside) noexcept {
    slots_[i] = kEmptyLine;
    set_inverted(i, inside);
  }

  void set_inverted(std::size_t i, bool inverted) noexcept {
    inverted_ = (inverted_ & ~(Members{1} << i)) | Members{inverted} << i;
  }

  const Line* lines_;
  std::span<const Ipv6Bits> addresses_;
  std::array<std::uint32_t, kAskedAtOnce> slots_;
  std::array<Half, kAskedAtOnce> keys_;  // what the changes of lists are compared with
  Members inverted_;
  Members full_ = 0;
};

Members Ipv6PrefixSet::members(std::span<const Ipv6Bits> addresses,
                               [[maybe_unused]] Simd simd) const noexcept {
  assert(addresses.size() <= kAskedAtOnce);
  if (addresses.empty()) return 0;
  Batch batch(*this, addresses);
  const Members all = first_members(addresses.size());
#ifdef __x86_64__
  if (simd == Simd::kAvx512) return batch.run_avx512() & all;
#endif
  batch.descend(all);
  return batch.read() & all;
}

}  // namespace afxfw
