#include "rules/element_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace afxfw {

using nft::Element;
using nft::Interval;
using nft::Type;
using nft::Value;

void append_prefixes(Family family, Interval interval, std::vector<Prefix>& prefixes) {
  const unsigned bits = address_bits(family);
  Value low = interval.low;
  while (true) {
    // The largest block that begins here and does not go too far.
    unsigned host_bits = 0;
    while (host_bits < bits) {
      const Value mask = nft::largest(host_bits + 1);
      if ((low & mask) != 0 || (low | mask) > interval.high) break;
      ++host_bits;
    }
    prefixes.push_back(family == Family::kIpv4
                           ? Prefix::ipv4(static_cast<Ipv4Bits>(low), bits - host_bits)
                           : Prefix::ipv6(low, bits - host_bits));
    const Value last = prefixes.back().last();
    if (last >= interval.high) return;
    low = last + 1;
  }
}

ElementSet::Ranks::Ranks(std::vector<Value> starts) : starts_(std::move(starts)) {
  std::sort(starts_.begin(), starts_.end());
  starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());
  starts_.shrink_to_fit();
}

std::uint32_t ElementSet::Ranks::rank(Value value) const noexcept {
  return static_cast<std::uint32_t>(std::upper_bound(starts_.begin(), starts_.end(), value) -
                                    starts_.begin());
}

tl::expected<ElementSet::ByRank, std::string> ElementSet::build_by_rank(const Source& source) {
  std::vector<std::vector<Interval>> keys;
  keys.reserve(source.elements.size() + source.prefixes.size());
  for (const Element& element : source.elements) keys.push_back(element.key);
  for (const Prefix& prefix : source.prefixes) {
    // Elements keep their numbers, so that those of the other family become empty.
    const bool fits =
        (prefix.family() == Family::kIpv4) == (source.types.front() == Type::kIpv4Address);
    keys.push_back({fits ? Interval{prefix.first(), prefix.last()} : Interval{1, 0}});
  }

  ByRank result;
  result.parts = source.types.size();
  std::vector<Ranks> ranks;
  for (std::size_t part = 0; part < result.parts; ++part) {
    std::vector<Value> starts;
    starts.reserve(2 * keys.size());
    for (const auto& key : keys) {
      starts.push_back(key[part].low);
      if (key[part].high != std::numeric_limits<Value>::max()) {
        starts.push_back(key[part].high + 1);
      }
    }
    ranks.emplace_back(std::move(starts));
  }
  std::iota(result.part.begin(), result.part.end(), std::uint8_t{0});
  std::sort(result.part.begin(), result.part.begin() + result.parts,
            [&](std::uint8_t a, std::uint8_t b) { return ranks[a].size() > ranks[b].size(); });
  for (std::size_t i = 0; i < result.parts; ++i) {
    result.ranks[i] = std::move(ranks[result.part[i]]);
  }
  constexpr std::size_t kMostInThird = std::numeric_limits<std::uint16_t>::max();
  if (result.ranks[2].size() > kMostInThird) {
    return tl::unexpected(
        fmt::format("each of the three parts has more than {} different values", kMostInThird));
  }

  std::vector<Box> boxes;
  boxes.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Box box{.rule = static_cast<std::uint32_t>(i)};
    const auto range = [&](std::size_t dimension) {
      const Interval& interval = keys[i][result.part[dimension]];
      return std::pair(result.ranks[dimension].rank(interval.low),
                       result.ranks[dimension].rank(interval.high));
    };
    std::tie(box.source_low, box.source_high) = range(0);
    if (result.parts > 1) std::tie(box.destination_low, box.destination_high) = range(1);
    if (result.parts > 2) {
      const auto [low, high] = range(2);
      box.source_port_low = static_cast<std::uint16_t>(low);
      box.source_port_high = static_cast<std::uint16_t>(high);
    }
    boxes.push_back(box);
  }
  result.classifier = BoxClassifier::build(boxes);
  return result;
}

tl::expected<ElementSet, std::string> ElementSet::build(const Source& source) {
  ElementSet set;
  if (source.types.size() > 1 || source.distinguish) {
    auto table = build_by_rank(source);
    if (!table) return tl::unexpected(std::move(table.error()));
    set.table_ = std::move(*table);
    return set;
  }
  const Type type = source.types.front();
  if (type == Type::kIpv4Address || type == Type::kIpv6Address) {
    const Family family = type == Type::kIpv4Address ? Family::kIpv4 : Family::kIpv6;
    std::vector<Prefix> prefixes(source.prefixes.begin(), source.prefixes.end());
    for (const Element& element : source.elements) {
      append_prefixes(family, element.key.front(), prefixes);
    }
    if (family == Family::kIpv4) {
      set.table_ = Ipv4PrefixSet::build(prefixes);
    } else {
      set.table_ = Ipv6PrefixSet::build(prefixes);
    }
    return set;
  }
  std::vector<Interval> intervals;
  intervals.reserve(source.elements.size());
  for (const Element& element : source.elements) intervals.push_back(element.key.front());
  set.table_ = IntervalSet(std::move(intervals));
  return set;
}

std::uint32_t ElementSet::find(std::span<const Value> values) const noexcept {
  const auto found = [](bool contained) { return contained ? 0 : kNotFound; };
  if (const auto* ipv4 = std::get_if<Ipv4PrefixSet>(&table_)) {
    return found(ipv4->contains(static_cast<Ipv4Bits>(values.front())));
  }
  if (const auto* ipv6 = std::get_if<Ipv6PrefixSet>(&table_)) {
    return found(ipv6->contains(values.front()));
  }
  if (const auto* intervals = std::get_if<IntervalSet>(&table_)) {
    return found(intervals->contains(values.front()));
  }
  const ByRank& by_rank = *std::get_if<ByRank>(&table_);
  BoxKey key{};
  key.source = by_rank.ranks[0].rank(values[by_rank.part[0]]);
  if (by_rank.parts > 1) key.destination = by_rank.ranks[1].rank(values[by_rank.part[1]]);
  if (by_rank.parts > 2) {
    key.source_port = static_cast<std::uint16_t>(by_rank.ranks[2].rank(values[by_rank.part[2]]));
  }
  return by_rank.classifier.next_match(key, 0);
}

std::size_t ElementSet::memory_bytes() const noexcept {
  if (const auto* ipv4 = std::get_if<Ipv4PrefixSet>(&table_)) return ipv4->memory_bytes();
  if (const auto* ipv6 = std::get_if<Ipv6PrefixSet>(&table_)) return ipv6->memory_bytes();
  if (const auto* intervals = std::get_if<IntervalSet>(&table_)) {
    return intervals->intervals().size() * sizeof(Interval);
  }
  const ByRank& by_rank = *std::get_if<ByRank>(&table_);
  std::size_t bytes = by_rank.classifier.memory_bytes();
  for (const Ranks& ranks : by_rank.ranks) bytes += ranks.memory_bytes();
  return bytes;
}

}  // namespace afxfw
