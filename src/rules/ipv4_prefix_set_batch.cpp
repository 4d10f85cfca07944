#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "rules/ipv4_prefix_set.h"

namespace afxfw {

/// Look-ups of up to kAskedAtOnce addresses in steps: where their lines are, asking for
/// them, and reading them. What differs between addresses is data, not a branch: in real
/// lists no branch on it could be foretold.
class Ipv4PrefixSet::Batch {
 public:
  /// addresses: 1 to kAskedAtOnce.
  Batch(const Ipv4PrefixSet& set, std::span<const Ipv4Bits> addresses)
      : set_(set), lines_(set.lines_.data()), addresses_(addresses) {}

  Members run() noexcept {
    std::array<Ipv4Block, kAskedAtOnce> blocks;
    std::array<std::size_t, kAskedAtOnce> slots;
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
    Members members = 0;
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      members |= Members{blocks[i].contains(lines_[slots[i]], addresses_[i])} << i;
    }
    return members;
  }

#ifdef __x86_64__
  /// kPoints: whether any block has points; without, there is less to do.
  template <bool kPoints>
  AFXFW_TARGET_AVX2 Members run_avx2() noexcept {
    for (std::size_t i = 0; i < addresses_.size(); i += kLanes) locate_avx2<kPoints>(i);
    // Of blocks that are all of a kind, lines have nothing to say.
    if (is_worth_prefetching()) {
      for (Members rest = has_lines_; rest != 0; rest &= rest - 1)
        __builtin_prefetch(line(first_of(rest)));
    }
    for (Members rest = split_; rest != 0; rest &= rest - 1) {
      const std::size_t i = first_of(rest);
      move_to(i, 1 + static_cast<std::uint32_t>(std::popcount(words_avx2<kPoints>(i))));
    }
    alignas(kCacheLine) std::array<std::uint8_t, kAskedAtOnce> changes{};
    for (Members rest = has_lines_; rest != 0; rest &= rest - 1) {
      const std::size_t i = first_of(rest);
      changes[i] = static_cast<std::uint8_t>(std::popcount(words_avx2<kPoints>(i)));
    }
    return with_bitmaps(odd_avx2(changes.data()) ^ inverted_);
  }

  template <bool kPoints>
  AFXFW_TARGET_AVX512 Members run_avx512() noexcept {
    for (std::size_t i = 0; i < addresses_.size(); i += kWideLanes) locate_avx512<kPoints>(i);
    if (is_worth_prefetching()) {
      for (std::size_t i = 0; i < addresses_.size(); ++i) __builtin_prefetch(line(i));
    }
    for (Members rest = split_; rest != 0; rest &= rest - 1) {
      const std::size_t i = first_of(rest);
      move_to(i, 1 + static_cast<std::uint32_t>(std::popcount(words_avx512<kPoints>(i))));
    }
    alignas(kCacheLine) std::array<__mmask32, kAskedAtOnce> words;
    Members odd = 0;
    for (std::size_t i = 0; i < addresses_.size(); i += kWideLanes) {
      for (std::size_t j = i; j < i + kWideLanes; ++j) {
        _store_mask32(&words[j], words_avx512<kPoints>(j));
      }
      odd |= Members{odd_avx512(&words[i])} << i;
    }
    return with_bitmaps((odd ^ inverted_) & first_members(addresses_.size()));
  }

 private:
  static constexpr std::size_t kLanes = 8;
  static constexpr std::size_t kWideLanes = 16;
  /// What 8 and 16 addresses have; the compilers' own operators go lane by lane.
  using Lanes = std::uint32_t __attribute__((vector_size(kLanes * sizeof(std::uint32_t))));
  using WideLanes = std::uint32_t __attribute__((vector_size(kWideLanes * sizeof(std::uint32_t))));

  AFXFW_TARGET_AVX2 static Lanes as_lanes(__m256i vector) noexcept {
    return reinterpret_cast<Lanes>(vector);
  }
  AFXFW_TARGET_AVX2 static __m256i as_vector(Lanes lanes) noexcept {
    return reinterpret_cast<__m256i>(lanes);
  }
  AFXFW_TARGET_AVX512 static WideLanes as_lanes(__m512i vector) noexcept {
    return reinterpret_cast<WideLanes>(vector);
  }
  AFXFW_TARGET_AVX512 static __m512i as_vector(WideLanes lanes) noexcept {
    return reinterpret_cast<__m512i>(lanes);
  }

  static constexpr std::uint32_t kBothHalves = 0x1'0001;
  // What is in the second-level cache, on CPUs of these kinds 1 to 2 MiB, is there without
  // being asked for, since look-ups overlap by themselves; asking takes a fifth of the time.
  static constexpr std::size_t kPrefetchedBytes = std::size_t{1} << 20;

  [[nodiscard]] bool is_worth_prefetching() const noexcept {
    return set_.lines_.size() * sizeof(Ipv4Line) >= kPrefetchedBytes;
  }

  [[nodiscard]] const Ipv4Line* line(std::size_t i) const noexcept {
    return reinterpret_cast<const Ipv4Line*>(reinterpret_cast<const std::byte*>(lines_) +
                                             offsets_[i]);
  }

  void move_to(std::size_t i, std::uint32_t lines_on) noexcept {
    offsets_[i] += lines_on * static_cast<std::uint32_t>(sizeof(Ipv4Line));
    __builtin_prefetch(line(i));
  }

  /// What a comparison of lanes gives: all bits, or none.
  template <typename Compared>
  AFXFW_TARGET_AVX2 static Lanes where(Compared lanes) noexcept {
    return reinterpret_cast<Lanes>(lanes);
  }

  /// Which of 8 blocks are of a kind.
  AFXFW_TARGET_AVX2 static Members of_kind(Lanes valid, Lanes blocks, std::uint32_t kind) noexcept {
    const Lanes at_sign = (blocks & valid) << std::countl_zero(kind);
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(as_vector(at_sign))));
  }
  /// And of 16.
  AFXFW_TARGET_AVX512 static Members of_kind(__mmask16 valid, __m512i blocks,
                                             std::uint32_t kind) noexcept {
    return _mm512_mask_test_epi32_mask(valid, blocks, _mm512_set1_epi32(static_cast<int>(kind)));
  }

  AFXFW_TARGET_AVX2 static Lanes gather(Lanes indices, const Ipv4Block* blocks) noexcept {
    const __m256i zero = _mm256_setzero_si256();
    const auto* words = reinterpret_cast<const int*>(blocks);
    return as_lanes(_mm256_mask_i32gather_epi32(zero, words, as_vector(indices),
                                                _mm256_cmpeq_epi32(zero, zero), 4));
  }
  AFXFW_TARGET_AVX512 static WideLanes gather(WideLanes indices, const Ipv4Block* blocks) noexcept {
    // Without a mask, GCC 12 takes what its own header leaves undefined for a mistake.
    return as_lanes(
        _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0xffff, as_vector(indices), blocks, 4));
  }

  /// Of 8 addresses from the first on, or as many as there are.
  template <bool kPoints>
  AFXFW_TARGET_AVX2 void locate_avx2(std::size_t first) noexcept {
    constexpr Lanes kNumbers = {0, 1, 2, 3, 4, 5, 6, 7};
    const std::size_t count = std::min<std::size_t>(addresses_.size() - first, kLanes);
    const Lanes valid = where(kNumbers < static_cast<std::uint32_t>(count));
    const Lanes addresses = as_lanes(_mm256_maskload_epi32(
        reinterpret_cast<const int*>(addresses_.data() + first), as_vector(valid)));
    const Ipv4Block* table = set_.blocks_.data();
    const Lanes numbers = set_.has_all_groups_
                              ? (addresses >> 16) + kGroup
                              : gather(addresses >> 24, table) + (addresses >> 16 & 0xff);
    const Lanes blocks = gather(numbers, table);
    const Lanes first_lines = blocks & Ipv4Block::kLineMask;
    const Lanes has_lines = where(first_lines != 0);
    has_lines_ |= of_kind(valid, has_lines, 1U << 31) << first;
    split_ |= of_kind(valid, blocks, Ipv4Block::kSplit) << first;
    bitmap_ |= of_kind(valid, blocks, Ipv4Block::kBitmap) << first;
    inverted_ |= of_kind(valid, blocks, Ipv4Block::kInverted) << first;

    const Lanes low = addresses & 0xffff;
    const Lanes bits = blocks >> Ipv4Block::kPartShift & Ipv4Block::kPartMask;
    Lanes part = low >> (16 - bits);
    Lanes below = low | low << 16;
    if constexpr (kPoints) {
      const Lanes points = where((blocks & Ipv4Block::kPoints) != 0);
      const Lanes last_bits = ((Lanes{} + 1U) << bits) - 1;
      part = (points & low & last_bits) | (~points & part);
      store(flipped_, first, points & below);
      below = (points & kBothHalves) | (~points & below);
    }
    store(below_, first, below);
    store(offsets_, first, (first_lines + part) * static_cast<std::uint32_t>(sizeof(Ipv4Line)));
  }

  AFXFW_TARGET_AVX2 static void store(std::array<std::uint32_t, kAskedAtOnce>& to,
                                      std::size_t first, Lanes lanes) noexcept {
    _mm256_store_si256(reinterpret_cast<__m256i*>(&to[first]), as_vector(lanes));
  }

  /// Of 16 addresses from the first on, or as many as there are.
  template <bool kPoints>
  AFXFW_TARGET_AVX512 void locate_avx512(std::size_t first) noexcept {
    const std::size_t count = std::min<std::size_t>(addresses_.size() - first, kWideLanes);
    const auto valid = static_cast<__mmask16>((1U << count) - 1);
    const WideLanes addresses = as_lanes(_mm512_maskz_loadu_epi32(valid, &addresses_[first]));
    const Ipv4Block* table = set_.blocks_.data();
    const WideLanes numbers = set_.has_all_groups_
                                  ? (addresses >> 16) + kGroup
                                  : gather(addresses >> 24, table) + (addresses >> 16 & 0xff);
    const WideLanes blocks = gather(numbers, table);
    split_ |= of_kind(valid, as_vector(blocks), Ipv4Block::kSplit) << first;
    bitmap_ |= of_kind(valid, as_vector(blocks), Ipv4Block::kBitmap) << first;
    inverted_ |= of_kind(valid, as_vector(blocks), Ipv4Block::kInverted) << first;

    const WideLanes low = addresses & 0xffff;
    const WideLanes bits = blocks >> Ipv4Block::kPartShift & Ipv4Block::kPartMask;
    __m512i part = as_vector(low >> (16 - bits));
    __m512i below = as_vector(low | low << 16);
    if constexpr (kPoints) {
      const auto points =
          static_cast<__mmask16>(of_kind(valid, as_vector(blocks), Ipv4Block::kPoints));
      const WideLanes last_bits = ((WideLanes{} + 1U) << bits) - 1;
      part = _mm512_mask_mov_epi32(part, points, as_vector(low & last_bits));
      _mm512_store_si512(&flipped_[first], _mm512_maskz_mov_epi32(points, below));
      below = _mm512_mask_mov_epi32(below, points, _mm512_set1_epi32(kBothHalves));
    }
    _mm512_store_si512(&below_[first], below);
    const WideLanes lines = (blocks & Ipv4Block::kLineMask) + as_lanes(part);
    _mm512_store_si512(&offsets_[first],
                       as_vector(lines * static_cast<std::uint32_t>(sizeof(Ipv4Line))));
  }

  /// A bit for each word of the line that is a change before address i, or is
  /// it as a point.
  template <bool kPoints>
  AFXFW_TARGET_AVX2 std::uint32_t words_avx2(std::size_t i) const noexcept {
    const auto* words = reinterpret_cast<const __m256i*>(line(i));
    __m256i low = words[0];
    __m256i high = words[1];
    if constexpr (kPoints) {
      const __m256i flipped = _mm256_set1_epi32(static_cast<int>(flipped_[i]));
      low = _mm256_xor_si256(low, flipped);
      high = _mm256_xor_si256(high, flipped);
    }
    // Those not below are the larger ones of the two.
    const __m256i below = _mm256_set1_epi32(static_cast<int>(below_[i]));
    const __m256i low_is_not = _mm256_cmpeq_epi16(_mm256_max_epu16(low, below), low);
    const __m256i high_is_not = _mm256_cmpeq_epi16(_mm256_max_epu16(high, below), high);
    const __m256i is_not = _mm256_packs_epi16(low_is_not, high_is_not);
    return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(is_not));
  }
  template <bool kPoints>
  AFXFW_TARGET_AVX512 __mmask32 words_avx512(std::size_t i) const noexcept {
    const __m512i words = _mm512_load_si512(line(i));
    const __m512i below = _mm512_set1_epi32(static_cast<int>(below_[i]));
    if constexpr (!kPoints) return _mm512_cmplt_epu16_mask(words, below);
    const __m512i flipped = _mm512_set1_epi32(static_cast<int>(flipped_[i]));
    return _mm512_cmplt_epu16_mask(_mm512_xor_si512(words, flipped), below);
  }

  /// Which of kAskedAtOnce numbers are odd.
  AFXFW_TARGET_AVX2 static Members odd_avx2(const std::uint8_t* numbers) noexcept {
    const auto* halves = reinterpret_cast<const __m256i*>(numbers);
    const auto odd = [](__m256i half) AFXFW_TARGET_AVX2 {
      return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_slli_epi16(half, 7)));
    };
    return odd(halves[0]) | Members{odd(halves[1])} << 32;
  }

  /// Which of 16 words have an odd number of bits. For all at once, this is quicker than to
  /// count them one by one.
  AFXFW_TARGET_AVX512 static __mmask16 odd_avx512(const __mmask32* words) noexcept {
    WideLanes folded = as_lanes(_mm512_load_si512(words));
    for (const unsigned half : {16U, 8U, 4U, 2U, 1U}) folded ^= folded >> half;
    return _mm512_test_epi32_mask(as_vector(folded), _mm512_set1_epi32(1));
  }

  [[nodiscard]] Members with_bitmaps(Members members) const noexcept {
    for (Members rest = bitmap_; rest != 0; rest &= rest - 1) {
      const std::size_t i = first_of(rest);
      const Members member = Members{line(i)->bit(addresses_[i])} << i ^ (inverted_ & rest & -rest);
      members = (members & ~(rest & -rest)) | member;
    }
    return members;
  }

  // Of lines, in bytes.
  alignas(kCacheLine) std::array<std::uint32_t, kAskedAtOnce> offsets_;
  // A word counts if it is less than below_ after flipping these bits of it: a change if
  // less than the address, a point if it differs nowhere. Twice the 16 bits.
  alignas(kCacheLine) std::array<std::uint32_t, kAskedAtOnce> flipped_;
  alignas(kCacheLine) std::array<std::uint32_t, kAskedAtOnce> below_;
  // A bit for each address: of what kind its block is.
  Members has_lines_ = 0;
  Members split_ = 0;
  Members bitmap_ = 0;
  Members inverted_ = 0;
#else
 private:
#endif

  const Ipv4PrefixSet& set_;
  const Ipv4Line* lines_;
  std::span<const Ipv4Bits> addresses_;
};

Members Ipv4PrefixSet::members(std::span<const Ipv4Bits> addresses,
                               [[maybe_unused]] Simd simd) const noexcept {
  assert(addresses.size() <= kAskedAtOnce);
  if (addresses.empty()) return 0;
  Batch batch(*this, addresses);
#ifdef __x86_64__
  if (simd == Simd::kAvx512) {
    return has_points_ ? batch.run_avx512<true>() : batch.run_avx512<false>();
  }
  if (simd == Simd::kAvx2) return has_points_ ? batch.run_avx2<true>() : batch.run_avx2<false>();
#endif
  return batch.run();
}

}  // namespace afxfw
