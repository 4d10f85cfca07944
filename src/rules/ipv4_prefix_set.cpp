#include "rules/ipv4_prefix_set.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cassert>

#include "rules/ipv4_prefix_set_builder.h"
#include "rules/membership_edges.h"

namespace afxfw {

Ipv4PrefixSet::Ipv4PrefixSet() : Ipv4PrefixSet(from_edges({}, 0)) {}

Ipv4PrefixSet::Ipv4PrefixSet(std::size_t entries, std::size_t ranges)
    : entries_(entries), ranges_(ranges) {}

Ipv4PrefixSet Ipv4PrefixSet::from_edges(std::span<const Ipv4Bits> edges, std::size_t entries) {
  Ipv4PrefixSet set(entries, (edges.size() + 1) / 2);
  Ipv4PrefixSetBuilder(set).add_all(edges);
  return set;
}

Ipv4PrefixSet Ipv4PrefixSet::build(std::span<const Prefix> prefixes) {
  const MembershipEdges<Ipv4Bits> members = membership_edges<Ipv4Bits>(prefixes);
  return from_edges(members.edges, members.prefixes);
}

/// Look-ups of up to kSize addresses in steps: where their lines are, asking for them,
/// and reading them. What differs between addresses is data, not a branch: in real lists
/// no branch on it could be foretold.
class Ipv4PrefixSet::Batch {
 public:
  static constexpr std::size_t kSize = 64;

  /// addresses, inside: at most kSize, of the same length.
  Batch(const Ipv4PrefixSet& set, std::span<const Ipv4Bits> addresses, std::span<bool> inside)
      : set_(set), lines_(set.lines_.data()), addresses_(addresses), inside_(inside) {}

  void run() noexcept {
    std::array<Ipv4Block, kSize> blocks;
    std::array<std::size_t, kSize> slots;
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      blocks[i] = set_.block_of(addresses_[i]);
      slots[i] = blocks[i].slot(addresses_[i]);
      __builtin_prefetch(&lines_[slots[i]]);
    }
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      if (!blocks[i].is_split()) continue;
      slots[i] += 1 + lines_[slots[i]].changes_before(addresses_[i]);
      __builtin_prefetch(&lines_[slots[i]]);
    }
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      inside_[i] = blocks[i].contains(lines_[slots[i]], addresses_[i]);
    }
  }

#ifdef __x86_64__
  AFXFW_TARGET_AVX2 void run_avx2() noexcept {
    for (std::size_t i = 0; i < addresses_.size(); ++i) locate(i);
    for (std::uint64_t rest = split_; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(rest));
      move_to(i, 1 + static_cast<std::uint32_t>(std::popcount(words_avx2(i))));
    }
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      inside_[i] =
          ((static_cast<unsigned>(std::popcount(words_avx2(i))) ^ (inverted_ >> i)) & 1) != 0;
    }
    read_bitmaps();
  }

  /// kPoints: whether any block has points; without, there is a third less to do.
  template <bool kPoints>
  AFXFW_TARGET_AVX512 void run_avx512() noexcept {
    for (std::size_t i = 0; i < addresses_.size(); i += kLanes) locate_avx512<kPoints>(i);
    if (set_.lines_.size() * sizeof(Ipv4Line) >= kPrefetchedBytes) {
      for (std::size_t i = 0; i < addresses_.size(); i += kLanes) {
        for (std::size_t j = i; j < i + kLanes; ++j) __builtin_prefetch(line(j));
      }
    }
    for (std::uint64_t rest = split_; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(rest));
      move_to(i, 1 + static_cast<std::uint32_t>(std::popcount(words_avx512<kPoints>(i))));
    }
    alignas(kCacheLine) std::array<std::uint8_t, kSize> changes;
    for (std::size_t i = 0; i < addresses_.size(); i += kLanes) {
      for (std::size_t j = i; j < i + kLanes; ++j) {
        changes[j] = static_cast<std::uint8_t>(std::popcount(words_avx512<kPoints>(j)));
      }
    }
    const __m512i one = _mm512_set1_epi8(1);
    const __m512i odd =
        _mm512_xor_si512(_mm512_load_si512(changes.data()), _mm512_maskz_mov_epi8(inverted_, one));
    const auto valid = ~std::uint64_t{0} >> (kSize - addresses_.size());
    _mm512_mask_storeu_epi8(inside_.data(), valid, _mm512_and_si512(odd, one));
    read_bitmaps();
  }
#endif

 private:
#ifdef __x86_64__
  static constexpr std::size_t kLanes = 16;
  /// What 16 addresses have; the compilers' own operators go lane by lane.
  using Lanes = std::uint32_t __attribute__((vector_size(kLanes * sizeof(std::uint32_t))));

  AFXFW_TARGET_AVX512 static Lanes as_lanes(__m512i vector) noexcept {
    return reinterpret_cast<Lanes>(vector);
  }
  AFXFW_TARGET_AVX512 static __m512i as_vector(Lanes lanes) noexcept {
    return reinterpret_cast<__m512i>(lanes);
  }

  static constexpr std::uint32_t kBothHalves = 0x1'0001;
  // What is in the second-level cache, on CPUs with AVX-512 1 to 2 MiB, is there without
  // being asked for, since look-ups overlap by themselves; asking takes a fifth of the time.
  static constexpr std::size_t kPrefetchedBytes = std::size_t{1} << 20;

  [[nodiscard]] const Ipv4Line* line(std::size_t i) const noexcept {
    return reinterpret_cast<const Ipv4Line*>(reinterpret_cast<const std::byte*>(lines_) +
                                             offsets_[i]);
  }

  void locate(std::size_t i) noexcept {
    const Ipv4Block block = set_.block_of(addresses_[i]);
    offsets_[i] = 0;
    move_to(i, static_cast<std::uint32_t>(block.slot(addresses_[i])));
    const std::uint32_t low = (addresses_[i] & 0xffff) * kBothHalves;
    flipped_[i] = block.is_points() ? low : 0;
    below_[i] = block.is_points() ? kBothHalves : low;
    split_ |= std::uint64_t{block.is_split()} << i;
    bitmap_ |= std::uint64_t{block.is_bitmap()} << i;
    inverted_ |= std::uint64_t{block.is_inverted()} << i;
  }

  /// Which of 16 blocks are of a kind.
  AFXFW_TARGET_AVX512 static std::uint64_t of_kind(__mmask16 valid, __m512i blocks,
                                                   std::uint32_t kind) noexcept {
    return _mm512_mask_test_epi32_mask(valid, blocks, _mm512_set1_epi32(static_cast<int>(kind)));
  }

  AFXFW_TARGET_AVX512 static Lanes gather(Lanes indices, const Ipv4Block* blocks) noexcept {
    // Without a mask, GCC 12 takes what its own header leaves undefined for a mistake.
    return as_lanes(
        _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0xffff, as_vector(indices), blocks, 4));
  }

  /// Of 16 addresses from the first on, or as many as there are.
  template <bool kPoints>
  AFXFW_TARGET_AVX512 void locate_avx512(std::size_t first) noexcept {
    const std::size_t count = std::min<std::size_t>(addresses_.size() - first, kLanes);
    const auto valid = static_cast<__mmask16>((1U << count) - 1);
    const Lanes addresses = as_lanes(_mm512_maskz_loadu_epi32(valid, &addresses_[first]));
    const Ipv4Block* table = set_.blocks_.data();
    const Lanes numbers = set_.has_all_groups_
                              ? (addresses >> 16) + kGroup
                              : gather(addresses >> 24, table) + (addresses >> 16 & 0xff);
    const Lanes blocks = gather(numbers, table);
    split_ |= of_kind(valid, as_vector(blocks), Ipv4Block::kSplit) << first;
    bitmap_ |= of_kind(valid, as_vector(blocks), Ipv4Block::kBitmap) << first;
    inverted_ |= of_kind(valid, as_vector(blocks), Ipv4Block::kInverted) << first;

    const Lanes low = addresses & 0xffff;
    const Lanes bits = blocks >> Ipv4Block::kPartShift & Ipv4Block::kPartMask;
    __m512i part = as_vector(low >> (16 - bits));
    __m512i below = as_vector(low | low << 16);
    if constexpr (kPoints) {
      const auto points =
          static_cast<__mmask16>(of_kind(valid, as_vector(blocks), Ipv4Block::kPoints));
      const Lanes last_bits = ((Lanes{} + 1U) << bits) - 1;
      part = _mm512_mask_mov_epi32(part, points, as_vector(low & last_bits));
      _mm512_store_si512(&flipped_[first], _mm512_maskz_mov_epi32(points, below));
      below = _mm512_mask_mov_epi32(below, points, _mm512_set1_epi32(kBothHalves));
    }
    _mm512_store_si512(&below_[first], below);
    const Lanes lines = (blocks & Ipv4Block::kLineMask) + as_lanes(part);
    _mm512_store_si512(&offsets_[first],
                       as_vector(lines * static_cast<std::uint32_t>(sizeof(Ipv4Line))));
  }

  void move_to(std::size_t i, std::uint32_t lines_on) noexcept {
    offsets_[i] += lines_on * static_cast<std::uint32_t>(sizeof(Ipv4Line));
    __builtin_prefetch(line(i));
  }

  /// A bit for each word of the line that is a change before address i, or is
  /// it as a point.
  AFXFW_TARGET_AVX2 std::uint32_t words_avx2(std::size_t i) const noexcept {
    const auto* words = reinterpret_cast<const __m256i*>(line(i));
    const __m256i flipped = _mm256_set1_epi32(static_cast<int>(flipped_[i]));
    const __m256i below = _mm256_set1_epi32(static_cast<int>(below_[i]));
    // Saturated: 0 where it is not below.
    const __m256i low = _mm256_subs_epu16(below, _mm256_xor_si256(words[0], flipped));
    const __m256i high = _mm256_subs_epu16(below, _mm256_xor_si256(words[1], flipped));
    const __m256i zero = _mm256_setzero_si256();
    const __m256i is_not =
        _mm256_packs_epi16(_mm256_cmpeq_epi16(low, zero), _mm256_cmpeq_epi16(high, zero));
    return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(is_not));
  }
  template <bool kPoints>
  AFXFW_TARGET_AVX512 std::uint32_t words_avx512(std::size_t i) const noexcept {
    const __m512i words = _mm512_load_si512(line(i));
    const __m512i below = _mm512_set1_epi32(static_cast<int>(below_[i]));
    if constexpr (!kPoints) return _mm512_cmplt_epu16_mask(words, below);
    const __m512i flipped = _mm512_set1_epi32(static_cast<int>(flipped_[i]));
    return _mm512_cmplt_epu16_mask(_mm512_xor_si512(words, flipped), below);
  }

  void read_bitmaps() noexcept {
    for (std::uint64_t rest = bitmap_; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(rest));
      inside_[i] = line(i)->bit(addresses_[i]) != ((inverted_ >> i & 1) != 0);
    }
  }

  // Of lines, in bytes.
  alignas(kCacheLine) std::array<std::uint32_t, kSize> offsets_;
  // A word counts if it is less than below_ after flipping these bits of it: a change if
  // less than the address, a point if it differs nowhere. Twice the 16 bits.
  alignas(kCacheLine) std::array<std::uint32_t, kSize> flipped_;
  alignas(kCacheLine) std::array<std::uint32_t, kSize> below_;
  // A bit for each address: of what kind its block is.
  std::uint64_t split_ = 0;
  std::uint64_t bitmap_ = 0;
  std::uint64_t inverted_ = 0;
#endif

  const Ipv4PrefixSet& set_;
  const Ipv4Line* lines_;
  std::span<const Ipv4Bits> addresses_;
  std::span<bool> inside_;
};

void Ipv4PrefixSet::contains(std::span<const Ipv4Bits> addresses, std::span<bool> inside,
                             Simd simd) const noexcept {
  assert(inside.size() == addresses.size());
  for (std::size_t done = 0; done < addresses.size(); done += Batch::kSize) {
    const std::size_t count = std::min(Batch::kSize, addresses.size() - done);
    Batch batch(*this, addresses.subspan(done, count), inside.subspan(done, count));
#ifdef __x86_64__
    if (simd == Simd::kAvx512) {
      has_points_ ? batch.run_avx512<true>() : batch.run_avx512<false>();
      continue;
    }
    if (simd == Simd::kAvx2) {
      batch.run_avx2();
      continue;
    }
#else
    static_cast<void>(simd);
#endif
    batch.run();
  }
}

}  // namespace afxfw
