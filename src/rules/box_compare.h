#pragma once

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "rules/box.h"
#include "rules/box_lines.h"
#include "util/simd.h"

namespace afxfw {

/// The four bytes of a key that a node compares.
[[nodiscard]] inline std::uint32_t key_word(const BoxKey& key, std::size_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, reinterpret_cast<const std::byte*>(&key) + offset, sizeof(word));
  return word;
}
// So that a 16-bit coordinate is the upper half of the word that ends with it.
static_assert(std::endian::native == std::endian::little);

// The steps of a look-up that instruction sets differ in. child(): which child of a
// node takes a word. containing(): which boxes of a group contain a key, a bit each.

struct PortableBoxes {
  static std::uint32_t child(BoxNode node, std::uint32_t word) {
    std::uint32_t count = 0;
    for (const std::uint32_t last : node.last().words) count += last < word ? 1 : 0;
    return count;
  }

  static std::uint32_t containing(BoxGroup group, const BoxKey& key) {
    std::array<std::uint32_t, BoxGroup::kBoxes> inside;
    const auto& sources = group.lines[BoxGroup::kSources].words;
    const auto& destinations = group.lines[BoxGroup::kDestinations].words;
    const auto& ports = group.lines[BoxGroup::kPorts].words;
    const auto& protocols = group.lines[BoxGroup::kProtocolsAndRules].words;
    for (std::size_t i = 0; i < BoxGroup::kBoxes; ++i) {
      const std::size_t upper = BoxGroup::kBoxes + i;
      const unsigned half = i % 2 * 16;
      inside[i] =
          static_cast<std::uint32_t>(key.source - sources[i] <= sources[upper]) &
          static_cast<std::uint32_t>(key.destination - destinations[i] <= destinations[upper]) &
          within16(key.source_port, ports[i], ports[upper]) &
          within16(key.destination_port, ports[i] >> 16, ports[upper] >> 16) &
          within16(key.protocol, protocols[i / 2] >> half, protocols[upper / 2] >> half);
    }
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < BoxGroup::kBoxes; ++i) mask |= inside[i] << i;
    return mask;
  }

 private:
  // Of the lower halves.
  static std::uint32_t within16(std::uint32_t key, std::uint32_t low, std::uint32_t length) {
    return ((key - low) & 0xffff) <= (length & 0xffff) ? 1 : 0;
  }
};

#ifdef __x86_64__

class Avx2Boxes {
 public:
  AFXFW_TARGET_AVX2 static std::uint32_t child(BoxNode node, std::uint32_t coordinate) {
    const __m256i key = spread(coordinate);
    const __m256i both = _mm256_packs_epi32(not_above(key, half(node.last(), 0)),
                                            not_above(key, half(node.last(), 1)));
    // Two bits for each word.
    const auto not_below = static_cast<std::uint32_t>(_mm256_movemask_epi8(both));
    return static_cast<std::uint32_t>(__builtin_popcount(~not_below)) / 2;
  }

  AFXFW_TARGET_AVX2 static std::uint32_t containing(BoxGroup group, const BoxKey& key) {
    const BoxLine* lines = group.lines;
    const __m256i addresses =
        _mm256_and_si256(within(lines[BoxGroup::kSources], key.source),
                         within(lines[BoxGroup::kDestinations], key.destination));
    // What exceeds the lengths, saturated to zero.
    const __m256i ports =
        _mm256_subs_epu16(_mm256_sub_epi16(spread(key_word(key, offsetof(BoxKey, source_port))),
                                           half(lines[BoxGroup::kPorts], 0)),
                          half(lines[BoxGroup::kPorts], 1));
    const auto* protocols =
        reinterpret_cast<const __m128i*>(lines[BoxGroup::kProtocolsAndRules].words.data());
    const __m128i protocol = _mm_subs_epu16(
        _mm_sub_epi16(_mm_set1_epi16(static_cast<short>(key.protocol)), protocols[0]),
        protocols[1]);
    const __m256i excess = _mm256_or_si256(ports, _mm256_cvtepu16_epi32(protocol));
    const __m256i inside =
        _mm256_and_si256(addresses, _mm256_cmpeq_epi32(excess, _mm256_setzero_si256()));
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(inside)));
  }

 private:
  AFXFW_TARGET_AVX2 static __m256i half(const BoxLine& line, std::size_t upper) {
    return reinterpret_cast<const __m256i*>(line.words.data())[upper];
  }
  AFXFW_TARGET_AVX2 static __m256i spread(std::uint32_t word) {
    return _mm256_set1_epi32(static_cast<int>(word));
  }
  AFXFW_TARGET_AVX2 static __m256i within(const BoxLine& addresses, std::uint32_t address) {
    return not_above(_mm256_sub_epi32(spread(address), half(addresses, 0)), half(addresses, 1));
  }
  // Which words of a are not above those of b. There is no unsigned comparison, but a
  // maximum: b is it.
  AFXFW_TARGET_AVX2 static __m256i not_above(__m256i a, __m256i b) {
    return _mm256_cmpeq_epi32(_mm256_max_epu32(a, b), b);
  }
};

class Avx512Boxes {
 public:
  AFXFW_TARGET_AVX512 static std::uint32_t child(BoxNode node, std::uint32_t coordinate) {
    const __m512i key = _mm512_set1_epi32(static_cast<int>(coordinate));
    return static_cast<std::uint32_t>(
        __builtin_popcount(_mm512_cmplt_epu32_mask(load(node.last()), key)));
  }

  AFXFW_TARGET_AVX512 static std::uint32_t containing(BoxGroup group, const BoxKey& key) {
    const BoxLine* lines = group.lines;
    __mmask8 inside =
        _mm256_cmple_epu32_mask(_mm256_sub_epi32(_mm256_set1_epi32(static_cast<int>(key.source)),
                                                 half(lines[BoxGroup::kSources], 0)),
                                half(lines[BoxGroup::kSources], 1));
    inside = _mm256_mask_cmple_epu32_mask(
        inside,
        _mm256_sub_epi32(_mm256_set1_epi32(static_cast<int>(key.destination)),
                         half(lines[BoxGroup::kDestinations], 0)),
        half(lines[BoxGroup::kDestinations], 1));
    const auto* protocols =
        reinterpret_cast<const __m128i*>(lines[BoxGroup::kProtocolsAndRules].words.data());
    inside = _mm_mask_cmple_epu16_mask(
        inside, _mm_sub_epi16(_mm_set1_epi16(static_cast<short>(key.protocol)), protocols[0]),
        protocols[1]);
    // What exceeds the lengths, saturated to zero.
    const std::uint32_t both = key_word(key, offsetof(BoxKey, source_port));
    const __m256i ports =
        _mm256_subs_epu16(_mm256_sub_epi16(_mm256_set1_epi32(static_cast<int>(both)),
                                           half(lines[BoxGroup::kPorts], 0)),
                          half(lines[BoxGroup::kPorts], 1));
    return _mm256_mask_testn_epi32_mask(inside, ports, ports);
  }

 private:
  AFXFW_TARGET_AVX512 static __m512i load(const BoxLine& line) {
    return _mm512_load_si512(line.words.data());
  }
  AFXFW_TARGET_AVX512 static __m256i half(const BoxLine& line, std::size_t upper) {
    return reinterpret_cast<const __m256i*>(line.words.data())[upper];
  }
};

#endif  // __x86_64__

}  // namespace afxfw
