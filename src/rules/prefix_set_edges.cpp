#include <algorithm>
#include <limits>
#include <vector>

#include "rules/ipv4_prefix_set.h"
#include "rules/ipv6_prefix_set.h"

namespace afxfw {
namespace {

/// Picks the edges of a set from addresses among which they are, in order.
template <typename Set, typename Bits>
class EdgeFilter {
 public:
  explicit EdgeFilter(const Set& set) : set_(set) {}

  /// No edge may be left below it. Below one before, it is ignored.
  void add(Bits address) {
    if (address < at_ || set_.contains(address) == inside_) return;
    at_ = address;
    inside_ = !inside_;
    edges_.push_back(address);
  }
  std::vector<Bits> take() { return std::move(edges_); }

 private:
  const Set& set_;
  Bits at_ = 0;
  bool inside_ = false;
  std::vector<Bits> edges_;
};

}  // namespace

/// Goes through the addresses at which an Ipv4PrefixSet's lines may change membership, in
/// order.
class Ipv4PrefixSet::EdgeWalk {
 public:
  explicit EdgeWalk(const Ipv4PrefixSet& set) : set_(set), filter_(set) {}

  std::vector<Ipv4Bits> run() {
    for (std::uint32_t group = 0; group < kGroup; ++group) {
      const Ipv4Block* blocks = &set_.blocks_[set_.blocks_[group].bits()];
      filter_.add(group << 24);
      // Small sets have few others.
      if (blocks == last_uniform_ || is_uniform(blocks)) {
        last_uniform_ = blocks;
        continue;
      }
      for (std::uint32_t i = 0; i < kGroup; ++i) walk(blocks[i], group << 24 | i << 16);
    }
    return filter_.take();
  }

 private:
  static constexpr std::uint32_t kBlockSize = 1U << 16;

  static bool is_uniform(const Ipv4Block* blocks) {
    return std::all_of(blocks, blocks + kGroup, [&](const Ipv4Block& block) {
      return block.is_uniform() && block.bits() == blocks->bits();
    });
  }

  void walk(Ipv4Block block, Ipv4Bits base) {
    filter_.add(base);
    if (block.is_uniform()) return;
    offsets_.clear();
    if (block.is_split()) {
      add_split(block);
    } else {
      const std::uint32_t parts = 1U << block.part_bits();
      for (std::uint32_t part = 0; part < parts; ++part) {
        add_part(block, part, kBlockSize / parts);
      }
    }
    std::sort(offsets_.begin(), offsets_.end());
    for (const std::uint32_t offset : offsets_) {
      if (offset < kBlockSize) filter_.add(base + offset);
    }
  }

  void add_split(Ipv4Block block) {
    const Ipv4Line& first = set_.lines_[block.first_line()];
    const auto used = std::find(first.words.begin(), first.words.end(), Ipv4Line::kUnused);
    const auto lines = static_cast<std::size_t>(used - first.words.begin()) + 1;
    for (std::size_t i = 1; i <= lines; ++i) add_changes(set_.lines_[block.first_line() + i]);
  }

  void add_part(Ipv4Block block, std::uint32_t part, std::uint32_t size) {
    const Ipv4Line& line = set_.lines_[block.first_line() + part];
    if (block.is_bitmap()) {
      for (std::uint32_t i = 0; i < size; ++i) offsets_.push_back(part * size + i);
    } else if (block.is_points()) {
      offsets_.insert(offsets_.end(), line.words.begin(), line.words.end());
      add_changes(line);
    } else {
      // Where the part before ends inside, and this one does not begin so.
      offsets_.push_back(part * size);
      add_changes(line);
    }
  }

  /// The addresses after the line's words.
  void add_changes(const Ipv4Line& line) {
    for (const std::uint16_t word : line.words) offsets_.push_back(word + 1U);
  }

  const Ipv4PrefixSet& set_;
  EdgeFilter<Ipv4PrefixSet, Ipv4Bits> filter_;
  std::vector<std::uint32_t> offsets_;  // in a block, in any order
  const Ipv4Block* last_uniform_ = nullptr;
};

std::vector<Ipv4Bits> Ipv4PrefixSet::edges() const { return EdgeWalk(*this).run(); }

/// Goes through the addresses at which an Ipv6PrefixSet's lines may change membership, in
/// order.
class Ipv6PrefixSet::EdgeWalk {
 public:
  explicit EdgeWalk(const Ipv6PrefixSet& set) : set_(set), filter_(set) {}

  std::vector<Ipv6Bits> run() {
    filter_.add(0);
    walk(set_.root_, std::numeric_limits<Ipv6Bits>::max());
    return filter_.take();
  }

 private:
  /// last: of the addresses that the division has.
  void walk(const Division& division, Ipv6Bits last) {
    const auto address = [&](Half key) {
      return division.of_lower ? Ipv6Bits{division.upper} << 64 | key : Ipv6Bits{key} << 64;
    };
    const auto add = [&](Ipv6Bits edge) {
      if (edge <= last) filter_.add(edge);
    };
    if (division.of_lower) add(address(0));
    for (std::uint32_t part = 0; part <= division.last_part; ++part) {
      const Half first = division.base + (Half{part} << division.shift);
      add(address(first));
      const Line& line = set_.lines_[division.first_line + part];
      const Half next = first + (Half{1} << division.shift);
      const bool is_at_end = next < first;
      const Ipv6Bits last_of_part = !is_at_end          ? address(next) - 1
                                    : division.of_lower ? address(~Half{0})
                                                        : last;
      if (line.is_list()) {
        for (const Half change : line.list_changes()) {
          if (change != ~Half{0}) add(address(change + 1));
        }
      } else if (line.kind() == Line::kFull) {
        for (const Ipv6Bits change : line.full_changes()) {
          if (change != ~Ipv6Bits{0}) add(change + 1);
        }
      } else {
        walk(line.division(), std::min(last, last_of_part));
      }
    }
    // What follows the parts.
    const Half last_first = division.base + (Half{division.last_part} << division.shift);
    const Half next = last_first + (Half{1} << division.shift);
    if (next > last_first) add(address(next));
    if (division.of_lower && division.upper != ~Half{0}) add(Ipv6Bits{division.upper + 1} << 64);
  }

  const Ipv6PrefixSet& set_;
  EdgeFilter<Ipv6PrefixSet, Ipv6Bits> filter_;
};

std::vector<Ipv6Bits> Ipv6PrefixSet::edges() const { return EdgeWalk(*this).run(); }

}  // namespace afxfw
