#pragma once

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <array>
#include <cstddef>
#include <cstdint>

#include "rules/box.h"
#include "rules/box_tree.h"

namespace afxfw {

/// A key's coordinates by dimension, half a cache line.
struct alignas(32) BoxPoint {
  std::array<std::uint32_t, 8> coordinates;

  static BoxPoint of(const BoxKey& key) {
    return {{key.source, key.destination, key.source_port, key.destination_port, key.protocol}};
  }
  std::uint32_t operator[](std::size_t dimension) const { return coordinates[dimension]; }
  /// What both ends of a range of a 16-bit dimension are compared with: nothing of a
  /// BoxGroup::range_word() is above it, half by half, if the point is inside.
  [[nodiscard]] std::uint32_t range_key(BoxDimension dimension) const {
    return BoxGroup::range_word(coordinates[dimension], coordinates[dimension]);
  }
};

// The steps of a look-up that instruction sets differ in. child(): which child of a
// node takes a coordinate. containing(): which boxes of a group contain a point, a
// bit each.

struct PortableBoxes {
  static std::uint32_t child(BoxNode node, std::uint32_t coordinate) {
    std::uint32_t count = 0;
    for (const std::uint32_t last : node.last().words) count += last < coordinate ? 1 : 0;
    return count;
  }

  static std::uint32_t containing(BoxGroup group, const BoxPoint& point) {
    const auto address_inside = [&](BoxGroup::Content line, std::size_t i, std::uint32_t key) {
      const auto& words = group.lines[line].words;
      return words[i] <= key && words[BoxGroup::kBoxes + i] <= ~key;
    };
    const auto inside = [&](BoxGroup::Content line, std::size_t i, std::uint32_t key) {
      const std::uint32_t range = group.lines[line].words[i];
      return (range & 0xffff) <= (key & 0xffff) && range >> 16 <= key >> 16;
    };
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < BoxGroup::kBoxes; ++i) {
      const bool all =
          address_inside(BoxGroup::kSources, i, point[kSource]) &&
          address_inside(BoxGroup::kDestinations, i, point[kDestination]) &&
          inside(BoxGroup::kPorts, i, point.range_key(kSourcePort)) &&
          inside(BoxGroup::kPorts, BoxGroup::kBoxes + i, point.range_key(kDestinationPort)) &&
          inside(BoxGroup::kProtocolsAndRules, i, point.range_key(kProtocol));
      mask |= std::uint32_t{all} << i;
    }
    return mask;
  }
};

#ifdef __x86_64__

#define AFXFW_TARGET_AVX2 __attribute__((target("avx2,popcnt")))
#define AFXFW_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,popcnt")))

class Avx2Boxes {
 public:
  AFXFW_TARGET_AVX2 static std::uint32_t child(BoxNode node, std::uint32_t coordinate) {
    const __m256i key = spread(coordinate);
    const unsigned below = above(key, half(node.last(), 0)) | above(key, half(node.last(), 1)) << 8;
    return static_cast<std::uint32_t>(__builtin_popcount(below));
  }

  AFXFW_TARGET_AVX2 static std::uint32_t containing(BoxGroup group, const BoxPoint& point) {
    const BoxLine* lines = group.lines;
    const unsigned outside =
        above(half(lines[BoxGroup::kSources], 0), spread(point[kSource])) |
        above(half(lines[BoxGroup::kSources], 1), spread(~point[kSource])) |
        above(half(lines[BoxGroup::kDestinations], 0), spread(point[kDestination])) |
        above(half(lines[BoxGroup::kDestinations], 1), spread(~point[kDestination]));
    // What ranges exceed their keys by, saturated to zero.
    const __m256i excess = _mm256_or_si256(
        _mm256_or_si256(_mm256_subs_epu16(half(lines[BoxGroup::kPorts], 0),
                                          spread(point.range_key(kSourcePort))),
                        _mm256_subs_epu16(half(lines[BoxGroup::kPorts], 1),
                                          spread(point.range_key(kDestinationPort)))),
        _mm256_subs_epu16(half(lines[BoxGroup::kProtocolsAndRules], 0),
                          spread(point.range_key(kProtocol))));
    return to_mask(_mm256_cmpeq_epi32(excess, _mm256_setzero_si256())) & ~outside;
  }

 private:
  AFXFW_TARGET_AVX2 static __m256i half(const BoxLine& line, std::size_t upper) {
    return reinterpret_cast<const __m256i*>(line.words.data())[upper];
  }
  AFXFW_TARGET_AVX2 static __m256i spread(std::uint32_t word) {
    return _mm256_set1_epi32(static_cast<int>(word));
  }
  AFXFW_TARGET_AVX2 static unsigned to_mask(__m256i words) {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(words)));
  }
  // Which words of a are above those of b. There is no unsigned comparison, but a
  // maximum: b is not it.
  AFXFW_TARGET_AVX2 static unsigned above(__m256i a, __m256i b) {
    return to_mask(_mm256_cmpeq_epi32(_mm256_max_epu32(a, b), b)) ^ 0xff;
  }
};

class Avx512Boxes {
 public:
  AFXFW_TARGET_AVX512 static std::uint32_t child(BoxNode node, std::uint32_t coordinate) {
    const __m512i key = _mm512_set1_epi32(static_cast<int>(coordinate));
    return static_cast<std::uint32_t>(
        __builtin_popcount(_mm512_cmplt_epu32_mask(load(node.last()), key)));
  }

  // Masks of 16 words, a box's two in both halves, but for the protocol's eight.
  AFXFW_TARGET_AVX512 static std::uint32_t containing(BoxGroup group, const BoxPoint& point) {
    const BoxLine* lines = group.lines;
    const __mmask16 addresses = _mm512_mask_cmple_epu32_mask(
        _mm512_cmple_epu32_mask(load(lines[BoxGroup::kSources]), both_ends(point[kSource])),
        load(lines[BoxGroup::kDestinations]), both_ends(point[kDestination]));
    // What ranges exceed their keys by, saturated to zero.
    const __m512i ports = _mm512_subs_epu16(
        load(lines[BoxGroup::kPorts]),
        _mm512_mask_set1_epi32(_mm512_set1_epi32(static_cast<int>(point.range_key(kSourcePort))),
                               kUpperHalf, static_cast<int>(point.range_key(kDestinationPort))));
    const __m256i protocol = _mm256_subs_epu16(
        _mm256_load_si256(
            reinterpret_cast<const __m256i*>(lines[BoxGroup::kProtocolsAndRules].words.data())),
        _mm256_set1_epi32(static_cast<int>(point.range_key(kProtocol))));
    const unsigned both = _mm512_mask_testn_epi32_mask(addresses, ports, ports);
    return both & both >> BoxGroup::kBoxes & _mm256_testn_epi32_mask(protocol, protocol);
  }

 private:
  static constexpr __mmask16 kUpperHalf = 0xff00;

  AFXFW_TARGET_AVX512 static __m512i load(const BoxLine& line) {
    return _mm512_load_si512(line.words.data());
  }
  AFXFW_TARGET_AVX512 static __m512i both_ends(std::uint32_t coordinate) {
    return _mm512_mask_set1_epi32(_mm512_set1_epi32(static_cast<int>(coordinate)), kUpperHalf,
                                  static_cast<int>(~coordinate));
  }
};

#endif  // __x86_64__

}  // namespace afxfw
