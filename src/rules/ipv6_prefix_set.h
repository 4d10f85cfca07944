#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "net/address.h"
#include "net/prefix.h"
#include "rules/members.h"
#include "util/cache_line.h"
#include "util/huge_page_allocator.h"
#include "util/simd.h"

namespace afxfw {

/// An immutable set of IPv6 addresses, built from prefixes. Addresses are in host
/// byte order.
///
/// Any number of threads may look up at once. A moved-from set may only be
/// destroyed or assigned to.
///
/// A tree of cache lines as Ipv4PrefixSet, which looks at the halves of an address
/// one after the other: nearly all prefixes in use are no longer than /64, and
/// membership in them depends on the upper half alone. A line then holds up to
/// eight upper halves at which membership changes. Where the lower half matters, a
/// line holds up to three changes in full, or refers to lines that divide the
/// lower halves of one /64.
class Ipv6PrefixSet {
 public:
  /// The empty set.
  Ipv6PrefixSet();

  /// Takes the IPv6 prefixes and ignores the others. They may come in any order,
  /// nest, repeat and touch. Takes O(n log n), and at its peak about three times
  /// the memory of the result.
  [[nodiscard]] static Ipv6PrefixSet build(std::span<const Prefix> prefixes);

  /// edges: as MembershipEdges has them.
  [[nodiscard]] static Ipv6PrefixSet from_edges(std::span<const Ipv6Bits> edges,
                                                std::size_t entries);

  [[nodiscard]] bool contains(Ipv6Bits address) const noexcept {
    const Half upper = upper_half(address);
    const Half lower = lower_half(address);
    Division division = root_;
    for (;;) {
      if (division.of_lower && upper != division.upper) {
        return upper < division.upper ? division.inside_before_upper : division.inside_above;
      }
      const Half key = division.of_lower ? lower : upper;
      if (key < division.base) return division.inside_below;
      const Half part = (key - division.base) >> division.shift;
      if (part > division.last_part) return division.inside_above;
      const Line& line = lines_[division.first_line + part];
      if (line.is_list()) return line.odd_changes_before(key) != division.inverted;
      if (line.kind() == Line::kFull) return line.odd_changes_before(address) != division.inverted;
      division = line.division();
    }
  }

  /// contains() for at most kAskedAtOnce addresses, whose cache misses overlap. simd: at
  /// most widest_simd().
  [[nodiscard]] Members members(std::span<const Ipv6Bits> addresses,
                                Simd simd = widest_simd()) const noexcept;

  /// What it was built from, as MembershipEdges has it.
  [[nodiscard]] std::vector<Ipv6Bits> edges() const;

  /// How many IPv6 prefixes build() was given, duplicates included.
  [[nodiscard]] std::size_t entries() const noexcept { return entries_; }
  /// How many separate runs of addresses they make.
  [[nodiscard]] std::size_t ranges() const noexcept { return ranges_; }
  [[nodiscard]] bool empty() const noexcept { return ranges_ == 0; }
  /// Heap memory held.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return lines_.size() * sizeof(Line); }

 private:
  using Half = std::uint64_t;

  [[nodiscard]] static constexpr Half upper_half(Ipv6Bits address) noexcept {
    return static_cast<Half>(address >> 64);
  }
  [[nodiscard]] static constexpr Half lower_half(Ipv6Bits address) noexcept {
    return static_cast<Half>(address);
  }

  /// Equal parts of a range of upper halves, or of the lower halves below one
  /// upper half, a line each.
  struct Division {
    Half base = ~Half{0};          // the first part's first half
    Half upper = 0;                // of_lower: the one whose lower halves these are
    std::uint32_t last_part = 0;   // number of parts, minus one
    std::uint32_t first_line = 0;  // index of the first part's line
    std::uint8_t shift = 0;        // a part has 1 << shift halves
    bool of_lower = false;
    bool inverted = false;             // the lists describe the complement
    bool inside_below = false;         // membership below base
    bool inside_above = false;         // and above the last part
    bool inside_before_upper = false;  // of_lower: and before `upper`
  };

  /// Membership in one part, taken as "outside" at its beginning.
  class alignas(kCacheLine) Line {
   public:
    /// Values of the last word. A list is none of them: its words are strictly
    /// increasing up to kUnused, so that the last one is at least 7.
    enum Kind : Half { kDivision = 0, kFull = 1, kKindCount };

    static constexpr std::size_t kWords = 8;
    static constexpr std::size_t kFullChanges = 3;

    /// changes: at most kWords halves, strictly increasing: the last ones before
    /// membership changes.
    static Line list(std::span<const Half> changes) noexcept;
    /// changes: the same of whole addresses, at most kFullChanges.
    static Line full(std::span<const Ipv6Bits> changes) noexcept;
    static Line division(const Division& division) noexcept;

    [[nodiscard]] bool is_list() const noexcept { return words_[7] >= kKindCount; }
    [[nodiscard]] const void* words() const noexcept { return words_.data(); }
    [[nodiscard]] Half kind() const noexcept { return words_[7]; }
    [[nodiscard]] Division division() const noexcept;
    /// Unused ones have all bits set.
    [[nodiscard]] std::span<const Half> list_changes() const noexcept { return words_; }
    [[nodiscard]] std::array<Ipv6Bits, kFullChanges> full_changes() const noexcept {
      std::array<Ipv6Bits, kFullChanges> changes;
      for (std::size_t i = 0; i < kFullChanges; ++i) {
        changes[i] = Ipv6Bits{words_[2 * i]} << 64 | words_[2 * i + 1];
      }
      return changes;
    }

    [[nodiscard]] bool odd_changes_before(Half key) const noexcept {
      Half count = 0;
      for (const Half change : words_) count += change < key ? 1 : 0;
      return (count & 1) != 0;
    }
    [[nodiscard]] bool odd_changes_before(Ipv6Bits address) const noexcept {
      Half count = 0;
      for (const Ipv6Bits change : full_changes()) count += change < address ? 1 : 0;
      return (count & 1) != 0;
    }

   private:
    static constexpr Half kUnused = ~Half{0};  // before no half

    std::array<Half, kWords> words_;
  };
  static_assert(sizeof(Line) == kCacheLine);

  friend class Ipv6PrefixSetBuilder;
  class Batch;
  class EdgeWalk;

  static constexpr std::uint32_t kEmptyLine = 0;  // an empty list, of no division

  Ipv6PrefixSet(std::size_t entries, std::size_t ranges);

  Division root_;
  TableVector<Line> lines_;
  std::size_t entries_ = 0;
  std::size_t ranges_ = 0;
};

}  // namespace afxfw
