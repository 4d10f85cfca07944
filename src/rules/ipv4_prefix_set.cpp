#include "rules/ipv4_prefix_set.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <cassert>

#include "rules/address_part.h"
#include "rules/membership_edges.h"

namespace afxfw {

Ipv4PrefixSet::Line Ipv4PrefixSet::Line::list(std::span<const Ipv4Bits> changes) noexcept {
  assert(changes.size() <= kWords);
  Line line;
  line.words_.fill(kUnused);
  std::copy(changes.begin(), changes.end(), line.words_.begin());
  return line;
}

Ipv4PrefixSet::Line Ipv4PrefixSet::Line::bitmap(
    Ipv4Bits base, const std::array<std::uint32_t, kBitmapWords>& bits) noexcept {
  Line line;
  std::copy(bits.begin(), bits.end(), line.words_.begin());
  line.words_[14] = base;
  line.words_[15] = kBitmap;
  return line;
}

Ipv4PrefixSet::Line Ipv4PrefixSet::Line::division(const Division& division) noexcept {
  Line line;
  line.words_ = {division.base, division.shift, division.last_part, division.first_line};
  line.words_[15] = kDivision;
  return line;
}

class Ipv4PrefixSet::Builder {
 public:
  explicit Builder(TableVector<Line>& lines) : lines_(lines) {}

  using Part = AddressPart<Ipv4Bits>;

  /// Adds the lines of a part, which has an edge, divided.
  Division divide(const Part& part) {
    Division division;
    division.base = part.edges.front();
    const EqualParts parts =
        equal_parts(part.edges.back() - division.base, part.edges.size(), kEdgesPerLine);
    division.shift = parts.shift;
    division.last_part = parts.last;
    division.first_line = static_cast<std::uint32_t>(lines_.size());
    lines_.resize(lines_.size() + division.last_part + 1);

    Part rest = part;
    for (std::uint32_t i = 0; i <= division.last_part; ++i) {
      // 64 bits: the end of the last part may be that of the address space.
      const std::uint64_t end = division.base + (std::uint64_t{i + 1} << division.shift);
      const auto above = std::lower_bound(rest.edges.begin(), rest.edges.end(), end);
      const auto count = static_cast<std::size_t>(above - rest.edges.begin());
      const Line line = make_line(rest.cut(count, static_cast<Ipv4Bits>(end)));
      lines_[division.first_line + i] = line;
    }
    return division;
  }

 private:
  /// Half-full lines: few lists overflow where changes are spread at random.
  static constexpr std::size_t kEdgesPerLine = Line::kWords / 2;

  Line make_line(const Part& part) {
    if (part.edges.size() + (part.inside ? 1 : 0) <= Line::kWords) return make_list(part);
    const Ipv4Bits span = part.edges.back() - part.edges.front();
    if (span + 2 <= Line::kBitmapBits) return make_bitmap(part);
    return Line::division(divide(part));
  }

  static Line make_list(const Part& part) {
    std::array<Ipv4Bits, Line::kWords> changes;
    std::size_t count = 0;
    if (part.inside) changes[count++] = part.first - 1;
    for (const Ipv4Bits edge : part.edges) changes[count++] = edge - 1;
    return Line::list({changes.data(), count});
  }

  static Line make_bitmap(const Part& part) {
    const Ipv4Bits base = part.edges.front() - 1;
    std::array<std::uint32_t, Line::kBitmapWords> bits{};
    bool inside = part.inside;
    std::size_t next = 0;
    for (std::uint32_t i = 0; i < Line::kBitmapBits; ++i) {
      if (next < part.edges.size() && part.edges[next] - base == i) {
        inside = !inside;
        ++next;
      }
      bits[i / 32] |= std::uint32_t{inside} << (i % 32);
    }
    return Line::bitmap(base, bits);
  }

  TableVector<Line>& lines_;
};

Ipv4PrefixSet::Ipv4PrefixSet() : lines_{Line::list({})} {}

Ipv4PrefixSet Ipv4PrefixSet::build(std::span<const Prefix> prefixes) {
  Ipv4PrefixSet set;
  const MembershipEdges<Ipv4Bits> members = membership_edges<Ipv4Bits>(prefixes);
  set.entries_ = members.prefixes;
  set.ranges_ = members.ranges();
  std::span<const Ipv4Bits> edges = members.edges;
  if (!edges.empty() && edges.front() == 0) {
    set.inverted_ = true;
    edges = edges.subspan(1);
  }
  if (edges.empty()) return set;
  set.lines_.clear();
  set.root_ = Builder(set.lines_).divide({0, false, edges});
  set.lines_.shrink_to_fit();
  return set;
}

/// Look-ups of up to kSize addresses in two passes: the first asks for their cache
/// lines, the second reads them.
class Ipv4PrefixSet::Batch {
 public:
  static constexpr std::size_t kSize = 64;

  /// addresses, inside: at most kSize, of the same length.
  Batch(const Ipv4PrefixSet& set, std::span<const Ipv4Bits> addresses, std::span<bool> inside)
      : set_(set), addresses_(addresses), inside_(inside) {
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      slots_[i] = set.root_.slot(addresses[i]);
      __builtin_prefetch(&set.lines_[slots_[i]]);
    }
  }

  void finish() noexcept {
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      const Ipv4Bits address = addresses_[i];
      const Line& line = set_.resolve(slots_[i], address);
      const bool odd = line.is_list() ? line.odd_changes_before(address) : line.bit(address);
      inside_[i] = odd != set_.inverted_;
    }
  }

#ifdef __x86_64__
  __attribute__((target("avx2,popcnt"))) void finish_avx2() noexcept {
    // There is no unsigned comparison: both sides are shifted by half the range.
    const __m256i half = _mm256_set1_epi32(static_cast<int>(0x8000'0000));
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      const Ipv4Bits address = addresses_[i];
      const Line& line = set_.resolve(slots_[i], address);
      bool odd = false;
      if (line.is_list()) {
        const __m256i key = _mm256_xor_si256(_mm256_set1_epi32(static_cast<int>(address)), half);
        const auto* words = static_cast<const __m256i*>(line.words());
        const __m256i low = _mm256_cmpgt_epi32(key, _mm256_xor_si256(words[0], half));
        const __m256i high = _mm256_cmpgt_epi32(key, _mm256_xor_si256(words[1], half));
        // An even number of both is an even number in all.
        const __m256i differ = _mm256_xor_si256(low, high);
        odd = __builtin_parity(
                  static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(differ)))) != 0;
      } else {
        odd = line.bit(address);
      }
      inside_[i] = odd != set_.inverted_;
    }
  }

  __attribute__((target("avx512f,popcnt"))) void finish_avx512() noexcept {
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      const Ipv4Bits address = addresses_[i];
      const Line& line = set_.resolve(slots_[i], address);
      bool odd = false;
      if (line.is_list()) {
        const __m512i key = _mm512_set1_epi32(static_cast<int>(address));
        odd = __builtin_parity(_mm512_cmplt_epu32_mask(_mm512_load_si512(line.words()), key)) != 0;
      } else {
        odd = line.bit(address);
      }
      inside_[i] = odd != set_.inverted_;
    }
  }
#endif

 private:
  const Ipv4PrefixSet& set_;
  std::span<const Ipv4Bits> addresses_;
  std::span<bool> inside_;
  std::array<std::size_t, kSize> slots_;
};

void Ipv4PrefixSet::contains(std::span<const Ipv4Bits> addresses, std::span<bool> inside,
                             Simd simd) const noexcept {
  assert(inside.size() == addresses.size());
  for (std::size_t done = 0; done < addresses.size(); done += Batch::kSize) {
    const std::size_t count = std::min(Batch::kSize, addresses.size() - done);
    Batch batch(*this, addresses.subspan(done, count), inside.subspan(done, count));
#ifdef __x86_64__
    if (simd == Simd::kAvx512) {
      batch.finish_avx512();
      continue;
    }
    if (simd == Simd::kAvx2) {
      batch.finish_avx2();
      continue;
    }
#else
    static_cast<void>(simd);
#endif
    batch.finish();
  }
}

}  // namespace afxfw
