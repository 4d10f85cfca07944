#include "rules/ipv4_prefix_set_builder.h"

#include <algorithm>
#include <cassert>

namespace afxfw {
namespace {

constexpr std::uint32_t kBlocks = 1U << 16;

// From so many edges on, 256 KiB for all blocks are no more than their lines.
constexpr std::size_t kAllGroups = 8192;

constexpr std::size_t lines_for(std::size_t words) {
  return (words + Ipv4Line::kWords - 1) / Ipv4Line::kWords;
}

/// Whether equal parts of a block are worth their lines. It bounds the memory: a quarter
/// of the words are used, or in a bitmap one of eight.
constexpr bool is_worth(unsigned part_bits, std::size_t words) {
  return part_bits < Ipv4Block::kMaxPartBits && std::size_t{1} << part_bits <= 4 * lines_for(words);
}

/// Calls use(part, begins, changes) for each of the equal parts of a block: its number,
/// whether its first address is a member, and its changes after that.
template <typename Use>
void for_each_part(std::span<const std::uint16_t> changes, unsigned part_bits, Use use) {
  const std::uint32_t size = (std::uint32_t{1} << 16) >> part_bits;
  bool begins = false;
  std::size_t next = 0;
  for (std::uint32_t part = 0; part < std::uint32_t{1} << part_bits; ++part) {
    if (part != 0 && next < changes.size() && changes[next] == part * size - 1) {
      begins = !begins;
      ++next;
    }
    const std::size_t first = next;
    while (next < changes.size() && changes[next] + 1U < (part + 1) * size) ++next;
    use(part, begins, changes.subspan(first, next - first));
    begins ^= (next - first) % 2 != 0;
  }
}

}  // namespace

void Ipv4PrefixSetBuilder::add_all(std::span<const Ipv4Bits> edges) {
  rest_ = edges;
  inside_ = false;
  lines_.clear();
  add_line(Ipv4Line::kUnused);  // of all blocks that are a member or not as a whole
  const Ipv4Block outside(0, 0, 0);
  const Ipv4Block inside(0, 0, Ipv4Block::kInverted);
  constexpr std::uint32_t kGroup = Ipv4PrefixSet::kGroup;
  set_.has_all_groups_ = edges.size() >= kAllGroups;
  blocks_.assign(kGroup, Ipv4Block(kGroup));
  if (!set_.has_all_groups_) blocks_.resize(std::size_t{2} * kGroup, outside);
  std::uint32_t inside_group = 0;  // where one is, once it is needed
  for (std::uint32_t number = 0; number < kBlocks; number += kGroup) {
    const std::uint64_t end = std::uint64_t{number + kGroup} << 16;
    const bool is_shared = !set_.has_all_groups_ && (rest_.empty() || rest_.front() >= end);
    if (is_shared && !inside_) continue;
    const auto next_group = static_cast<std::uint32_t>(blocks_.size());
    if (is_shared && inside_group == 0) {
      inside_group = next_group;
      blocks_.resize(blocks_.size() + kGroup, inside);
    }
    blocks_[number / kGroup] = Ipv4Block(is_shared ? inside_group : next_group);
    if (is_shared) continue;
    for (std::uint32_t i = 0; i < kGroup; ++i) {
      const Ipv4Block block = next_block(number + i);
      blocks_.push_back(block);
    }
  }
  blocks_.shrink_to_fit();
  lines_.shrink_to_fit();
}

Ipv4Block Ipv4PrefixSetBuilder::next_block(std::uint32_t number) {
  const Ipv4Bits base = number << 16;
  if (!rest_.empty() && rest_.front() == base) {
    inside_ = !inside_;
    rest_ = rest_.subspan(1);
  }
  const bool inverted = inside_;
  changes_.clear();
  std::size_t count = 0;
  while (count < rest_.size() && rest_[count] >> 16 == number) {
    changes_.push_back(static_cast<std::uint16_t>(rest_[count] - 1));
    ++count;
  }
  rest_ = rest_.subspan(count);
  inside_ ^= count % 2 != 0;
  const std::uint32_t kind = inverted ? Ipv4Block::kInverted : 0;
  if (changes_.empty()) return Ipv4Block(0, 0, kind);
  const std::size_t first_line = lines_.size();
  if (try_points()) return Ipv4Block(first_line, part_bits_, kind | Ipv4Block::kPoints);
  if (try_changes()) return Ipv4Block(first_line, part_bits_, kind);
  // One more line than the first can tell apart.
  if (lines_for(changes_.size()) <= Ipv4Line::kWords + 1) return make_split(kind);
  return make_bitmap(kind);
}

bool Ipv4PrefixSetBuilder::try_points() {
  points_.clear();
  for (std::size_t i = 0; i < changes_.size(); i += 2) {
    const auto point = static_cast<std::uint16_t>(changes_[i] + 1);
    const std::uint16_t end = i + 1 < changes_.size() ? changes_[i + 1] : 0xffff;
    if (end != point) return false;
    points_.push_back(point);
  }
  // Half a line of points is one of changes; and an odd number of them in one line would
  // leave an odd number of words to be filled.
  if (changes_.size() <= Ipv4Line::kWords) return false;
  const auto part_of = [&](std::uint16_t point) { return point & ((1U << part_bits_) - 1); };
  for (part_bits_ = 0; is_worth(part_bits_, points_.size()); ++part_bits_) {
    part_sizes_.assign(std::size_t{1} << part_bits_, 0);
    for (const std::uint16_t point : points_) ++part_sizes_[part_of(point)];
    if (*std::max_element(part_sizes_.begin(), part_sizes_.end()) > Ipv4Line::kWords) continue;
    if (part_bits_ == 0 && points_.size() % 2 != 0) continue;
    set_.has_points_ = true;
    const std::size_t first_line = lines_.size();
    for (std::size_t part = 0; part < part_sizes_.size(); ++part) {
      // A point of another part, or if there is none, an even number of times one of this.
      add_line(part_bits_ == 0 ? points_.front() : static_cast<std::uint16_t>(part ^ 1));
    }
    for (const std::uint16_t point : points_) {
      const std::size_t part = part_of(point);
      lines_[first_line + part].words[--part_sizes_[part]] = point;
    }
    return true;
  }
  return false;
}

bool Ipv4PrefixSetBuilder::try_changes() {
  for (part_bits_ = 0; is_worth(part_bits_, changes_.size()); ++part_bits_) {
    bool fits = true;
    for_each_part(changes_, part_bits_, [&](std::uint32_t, bool begins, auto changes) {
      fits = fits && changes.size() + (begins ? 1 : 0) <= Ipv4Line::kWords;
    });
    if (!fits) continue;
    for_each_part(changes_, part_bits_, [&](std::uint32_t part, bool begins, auto changes) {
      auto to = add_line(Ipv4Line::kUnused).words.begin();
      if (begins) *to++ = static_cast<std::uint16_t>((part << (16 - part_bits_)) - 1);
      std::copy(changes.begin(), changes.end(), to);
    });
    return true;
  }
  return false;
}

Ipv4Block Ipv4PrefixSetBuilder::make_split(std::uint32_t kind) {
  const std::size_t first_line = lines_.size();
  add_line(Ipv4Line::kUnused);
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const std::size_t word = i % Ipv4Line::kWords;
    if (word == 0) add_line(Ipv4Line::kUnused);
    lines_.back().words[word] = changes_[i];
    const bool is_last_of_line = word + 1 == Ipv4Line::kWords && i + 1 < changes_.size();
    if (is_last_of_line) lines_[first_line].words[i / Ipv4Line::kWords] = changes_[i];
  }
  return Ipv4Block(first_line, 0, kind | Ipv4Block::kSplit);
}

Ipv4Block Ipv4PrefixSetBuilder::make_bitmap(std::uint32_t kind) {
  const std::size_t first_line = lines_.size();
  for_each_part(
      changes_, Ipv4Block::kMaxPartBits, [&](std::uint32_t part, bool begins, auto changes) {
        Ipv4Line& line = add_line(0);
        constexpr std::uint32_t kAddresses = (1U << 16) >> Ipv4Block::kMaxPartBits;
        bool inside = begins;
        std::size_t next = 0;
        for (std::uint32_t i = 0; i < kAddresses; ++i) {
          line.words[i / 16] |= static_cast<std::uint16_t>((inside ? 1U : 0U) << (i % 16));
          if (next < changes.size() && changes[next] == part * kAddresses + i) {
            inside = !inside;
            ++next;
          }
        }
      });
  return Ipv4Block(first_line, Ipv4Block::kMaxPartBits, kind | Ipv4Block::kBitmap);
}

Ipv4Line& Ipv4PrefixSetBuilder::add_line(std::uint16_t filling) {
  lines_.emplace_back().words.fill(filling);
  return lines_.back();
}

}  // namespace afxfw
