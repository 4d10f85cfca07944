#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/address.h"
#include "util/cache_line.h"

namespace afxfw {

/// What Ipv4PrefixSet knows of a part of a block: of addresses, only the last 16 bits
/// count. Three kinds of content, of which an Ipv4Block says which it is:
///
/// - changes: the last addresses before membership changes, in order, then kUnused;
/// - points: addresses, in any order, each an odd number of times; others may be there
///   that have another line, and are not asked for here;
/// - bitmap: a bit for each of 512 addresses.
class alignas(kCacheLine) Ipv4Line {
 public:
  static constexpr std::size_t kWords = 32;
  static constexpr std::uint16_t kUnused = 0xffff;  // before no address

  std::array<std::uint16_t, kWords> words;

  [[nodiscard]] std::uint32_t changes_before(Ipv4Bits address) const noexcept {
    const auto low = static_cast<std::uint16_t>(address);
    std::uint32_t count = 0;
    for (const std::uint16_t word : words) count += word < low ? 1 : 0;
    return count;
  }
  [[nodiscard]] std::uint32_t points_at(Ipv4Bits address) const noexcept {
    const auto low = static_cast<std::uint16_t>(address);
    std::uint32_t count = 0;
    for (const std::uint16_t word : words) count += word == low ? 1 : 0;
    return count;
  }
  [[nodiscard]] bool bit(Ipv4Bits address) const noexcept {
    return (words[address / 16 % kWords] >> (address % 16) & 1) != 0;
  }
};
static_assert(sizeof(Ipv4Line) == kCacheLine);

/// 65536 addresses that have their first 16 bits in common: where Ipv4PrefixSet has
/// their lines and how to read them. A power of two of them has equal parts:
///
/// - changes: by the first of the 16 bits;
/// - bitmap: the same;
/// - points: by the last of the 16 bits, since addresses one after the other are what
///   fills a line;
/// - split, where equal parts would leave most lines empty: the first line has the last
///   change of each of the others but one; how many of those are before an address
///   is which line has it. All but the last one have kWords changes, an even number.
class Ipv4Block {
 public:
  static constexpr std::uint32_t kInverted = 1U << 31;  // the lines are of the complement
  static constexpr std::uint32_t kPoints = 1U << 30;
  static constexpr std::uint32_t kSplit = 1U << 29;
  static constexpr std::uint32_t kBitmap = 1U << 28;
  // As many parts as a /16 has bitmaps: there are at most 2^16 times as many lines.
  static constexpr unsigned kMaxPartBits = 7;
  static constexpr unsigned kPartShift = 23;
  static constexpr std::uint32_t kPartMask = 7;
  static constexpr std::uint32_t kLineMask = (1U << kPartShift) - 1;

  Ipv4Block() = default;
  explicit constexpr Ipv4Block(std::uint32_t bits) noexcept : bits_(bits) {}
  /// kind: of kInverted, kPoints, kSplit, kBitmap.
  constexpr Ipv4Block(std::size_t first_line, unsigned part_bits, std::uint32_t kind) noexcept
      : bits_(static_cast<std::uint32_t>(first_line) | part_bits << kPartShift | kind) {}

  [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
  [[nodiscard]] std::size_t first_line() const noexcept { return bits_ & kLineMask; }
  [[nodiscard]] unsigned part_bits() const noexcept { return bits_ >> kPartShift & kPartMask; }
  [[nodiscard]] bool is_inverted() const noexcept { return (bits_ & kInverted) != 0; }
  [[nodiscard]] bool is_points() const noexcept { return (bits_ & kPoints) != 0; }
  [[nodiscard]] bool is_split() const noexcept { return (bits_ & kSplit) != 0; }
  [[nodiscard]] bool is_bitmap() const noexcept { return (bits_ & kBitmap) != 0; }

  /// All or none of its addresses are members: line 0, which is empty, is theirs alone.
  [[nodiscard]] bool is_uniform() const noexcept { return first_line() == 0; }

  /// Index of the line of an address; if the block is split, of the first line.
  [[nodiscard]] std::size_t slot(Ipv4Bits address) const noexcept {
    const std::uint32_t low = address & 0xffff;
    const unsigned bits = part_bits();
    return first_line() + (is_points() ? low & ((1U << bits) - 1) : low >> (16 - bits));
  }

  /// line: the one that has the address.
  [[nodiscard]] bool contains(const Ipv4Line& line, Ipv4Bits address) const noexcept {
    const bool in_lines =
        is_bitmap()
            ? line.bit(address)
            : ((is_points() ? line.points_at(address) : line.changes_before(address)) & 1) != 0;
    return in_lines != is_inverted();
  }

 private:
  std::uint32_t bits_ = 0;
};

}  // namespace afxfw
