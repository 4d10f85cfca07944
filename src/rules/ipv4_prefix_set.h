#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "net/address.h"
#include "net/prefix.h"
#include "util/cache_line.h"
#include "util/huge_page_allocator.h"
#include "util/simd.h"

namespace afxfw {

/// An immutable set of IPv4 addresses, built from prefixes. Addresses are in host
/// byte order.
///
/// Any number of threads may look up at once. A moved-from set may only be
/// destroyed or assigned to.
///
/// A tree of cache lines. An address picks its line from an array by its leading
/// bits; the line holds, sorted, the addresses at which membership changes there,
/// and the address is a member if the number of changes before it is odd. The
/// array is sized for half-full lines, so that nearly every look-up reads one
/// line. Where changes crowd, a line refers to an array of further lines that
/// divide its part of the address space once more, or is a bitmap.
class Ipv4PrefixSet {
 public:
  /// The empty set.
  Ipv4PrefixSet();

  /// Takes the IPv4 prefixes and ignores the others. They may come in any order,
  /// nest, repeat and touch. Takes O(n log n), and at its peak about three times
  /// the memory of the result.
  [[nodiscard]] static Ipv4PrefixSet build(std::span<const Prefix> prefixes);

  [[nodiscard]] bool contains(Ipv4Bits address) const noexcept {
    const Line& line = resolve(root_.slot(address), address);
    return (line.is_list() ? line.odd_changes_before(address) : line.bit(address)) != inverted_;
  }

  /// contains() for a batch, whose cache misses overlap. inside: as many as
  /// addresses. simd: at most widest_simd().
  void contains(std::span<const Ipv4Bits> addresses, std::span<bool> inside,
                Simd simd = widest_simd()) const noexcept;

  /// How many IPv4 prefixes build() was given, duplicates included.
  [[nodiscard]] std::size_t entries() const noexcept { return entries_; }
  /// How many separate runs of addresses they make.
  [[nodiscard]] std::size_t ranges() const noexcept { return ranges_; }
  [[nodiscard]] bool empty() const noexcept { return ranges_ == 0; }
  /// Heap memory held.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return lines_.size() * sizeof(Line); }

 private:
  /// Equal parts of an address range, a line each, from `base`; the first and the
  /// last one also take what lies below and above.
  struct Division {
    Ipv4Bits base = 0;
    std::uint32_t shift = 0;       // a part has 1 << shift addresses
    std::uint32_t last_part = 0;   // number of parts, minus one
    std::uint32_t first_line = 0;  // index of the first part's line

    [[nodiscard]] std::size_t slot(Ipv4Bits address) const noexcept {
      const Ipv4Bits offset = address < base ? 0 : address - base;
      return first_line + std::min(offset >> shift, last_part);
    }
  };

  /// Membership in one part of the address space, below whose first address it is
  /// taken as "outside".
  class alignas(kCacheLine) Line {
   public:
    /// Values of the last word. A list is none of them: its words are strictly
    /// increasing up to kUnused, so that the last one is at least 15.
    enum Kind : std::uint32_t { kDivision = 0, kBitmap = 1, kKindCount };

    static constexpr std::size_t kWords = 16;
    static constexpr std::size_t kBitmapWords = 14;
    static constexpr std::size_t kBitmapBits = kBitmapWords * 32;

    /// changes: at most kWords, strictly increasing: the last addresses before
    /// membership changes.
    static Line list(std::span<const Ipv4Bits> changes) noexcept;
    /// Bit i says whether address base + i is a member; the first and the last one
    /// also stand for all below and above.
    static Line bitmap(Ipv4Bits base, const std::array<std::uint32_t, kBitmapWords>& bits) noexcept;
    static Line division(const Division& division) noexcept;

    [[nodiscard]] bool is_list() const noexcept { return words_[15] >= kKindCount; }
    [[nodiscard]] const void* words() const noexcept { return words_.data(); }
    [[nodiscard]] std::uint32_t kind() const noexcept { return words_[15]; }
    [[nodiscard]] Division division() const noexcept {
      return {words_[0], words_[1], words_[2], words_[3]};
    }
    [[nodiscard]] bool bit(Ipv4Bits address) const noexcept {
      const Ipv4Bits base = words_[14];
      const Ipv4Bits offset = address < base ? 0 : address - base;
      const auto index = std::min<std::size_t>(offset, kBitmapBits - 1);
      return (words_[index / 32] >> (index % 32) & 1) != 0;
    }
    [[nodiscard]] bool odd_changes_before(Ipv4Bits address) const noexcept {
      std::uint32_t count = 0;
      for (const std::uint32_t change : words_) count += change < address ? 1 : 0;
      return (count & 1) != 0;
    }

   private:
    static constexpr std::uint32_t kUnused = 0xffff'ffff;  // before no address

    std::array<std::uint32_t, kWords> words_;
  };
  static_assert(sizeof(Line) == kCacheLine);

  class Builder;
  class Batch;

  /// Follows divisions from a line to one that says what is a member.
  [[nodiscard]] const Line& resolve(std::size_t slot, Ipv4Bits address) const noexcept {
    const Line* line = &lines_[slot];
    while (line->kind() == Line::kDivision) line = &lines_[line->division().slot(address)];
    return *line;
  }

  Division root_;
  TableVector<Line> lines_;
  // The lines describe the complement: address 0 is a member, and no change can
  // come before it.
  bool inverted_ = false;
  std::size_t entries_ = 0;
  std::size_t ranges_ = 0;
};

}  // namespace afxfw
