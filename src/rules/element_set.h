#pragma once

#include <tl/expected.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "rules/box_classifier.h"
#include "rules/interval_set.h"
#include "rules/nft_ast.h"
#include "rules/prefix_set.h"

namespace afxfw {

/// The prefixes that make up an interval of addresses: at most 2 less than twice
/// as many as an address has bits.
void append_prefixes(Family family, nft::Interval interval, std::vector<Prefix>& prefixes);

/// A set's elements, compiled for look-ups; the structure is chosen by what they
/// are: the address tables for addresses, a sorted list for other single fields,
/// a classifier over the ranks of values for concatenations and for elements that
/// are told apart because they count. Immutable.
class ElementSet {
 public:
  static constexpr std::uint32_t kNotFound = BoxClassifier::kNoMatch;

  struct Source {
    std::vector<nft::Type> types;  ///< of the key's parts
    std::span<const nft::Element> elements;
    /// More of them, for a single part that is an address; those of the other
    /// family are left out.
    std::span<const Prefix> prefixes;
    /// find() tells which element it was.
    bool distinguish = false;
  };

  /// The error: why elements cannot be compiled.
  [[nodiscard]] static tl::expected<ElementSet, std::string> build(const Source& source);

  /// values: one for each part of the key. The index of an element that has them
  /// (of Source::elements, then prefixes), 0 if elements are not distinguished,
  /// or kNotFound.
  [[nodiscard]] std::uint32_t find(std::span<const nft::Value> values) const noexcept;

  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  /// Values of one part, cut where an element begins or ends: elements become
  /// ranges of ranks.
  class Ranks {
   public:
    Ranks() = default;
    /// starts: in any order, repeated.
    explicit Ranks(std::vector<nft::Value> starts);
    /// How many cuts there are at or below the value.
    [[nodiscard]] std::uint32_t rank(nft::Value value) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return starts_.size(); }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
      return starts_.capacity() * sizeof(nft::Value);
    }

   private:
    std::vector<nft::Value> starts_;
  };

  /// By the ranks of up to three parts. The first two go by 32 bits, the third by
  /// the 16 of a port: it is the part with the fewest different values.
  struct ByRank {
    std::array<Ranks, nft::kMaxConcatenation> ranks;
    std::array<std::uint8_t, nft::kMaxConcatenation> part{};  ///< which part a dimension is
    std::size_t parts = 0;
    BoxClassifier classifier;
  };

  [[nodiscard]] static tl::expected<ByRank, std::string> build_by_rank(const Source& source);

  std::variant<IntervalSet, Ipv4PrefixSet, Ipv6PrefixSet, ByRank> table_;
};

}  // namespace afxfw
