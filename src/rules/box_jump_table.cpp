#include "rules/box_jump_table.h"

#include <bit>

#include "rules/box_compare.h"

namespace afxfw {
namespace {

// Up to 16 KB, a third of a first-level cache.
constexpr unsigned kFewestBits = 6;
constexpr unsigned kMostBits = 12;
constexpr unsigned kMoreBits = 2;

// What a jump takes, in steps.
constexpr double kJump = 0.6;
// A larger table has to save so much of a look-up.
constexpr double kWorthwhile = 0.95;

BoxKey to_key(const BoxPoint& point) {
  return {point[kSource], point[kDestination], static_cast<std::uint16_t>(point[kSourcePort]),
          static_cast<std::uint16_t>(point[kDestinationPort]),
          static_cast<std::uint16_t>(point[kProtocol])};
}

std::size_t steps_to_leaf(std::span<const BoxLine> lines, BoxRef ref, const BoxKey& key) {
  std::size_t steps = 0;
  for (; !ref.is_leaf(); ++steps) {
    const BoxNode node = {ref.in(lines.data())};
    ref = node.child(PortableBoxes::child(node, key_word(key, ref.word_offset())));
  }
  return steps;
}

}  // namespace

BoxJumpTable::BoxJumpTable(std::span<const BoxLine> lines, BoxRef root, std::uint32_t highest,
                           unsigned bits)
    : word_offset_(root.word_offset()) {
  const auto word_bits = static_cast<unsigned>(std::bit_width(highest));
  shift_ = word_bits - std::min(word_bits, bits);
  entries_.reserve(std::size_t{1} << bits);
  for (std::uint32_t i = 0; i < std::uint32_t{1} << bits; ++i) {
    const bool is_last = i + 1 == std::uint32_t{1} << bits;
    const std::uint32_t low = i << shift_;
    const std::uint32_t high = is_last ? ~std::uint32_t{0} : ((i + 1) << shift_) - 1;
    BoxRef ref = root;
    while (!ref.is_leaf() && ref.word_offset() == word_offset_) {
      const BoxNode node = {ref.in(lines.data())};
      const std::uint32_t child = PortableBoxes::child(node, low);
      if (PortableBoxes::child(node, high) != child) break;
      ref = node.child(child);
    }
    entries_.push_back(ref);
  }
}

std::size_t BoxJumpTable::max_memory_bytes() noexcept { return sizeof(BoxRef) << kMostBits; }

BoxJumpTable BoxJumpTable::best(std::span<const BoxLine> lines, BoxRef root,
                                std::span<const BoxPoint> samples) {
  BoxJumpTable best;
  if (root.is_leaf() || samples.empty()) return best;
  double least = 0;
  std::uint32_t highest = 0;
  std::vector<BoxKey> keys;
  keys.reserve(samples.size());
  for (const BoxPoint& sample : samples) {
    keys.push_back(to_key(sample));
    highest = std::max(highest, key_word(keys.back(), root.word_offset()));
    least += static_cast<double>(steps_to_leaf(lines, root, keys.back()));
  }
  for (unsigned bits = kFewestBits; bits <= kMostBits; bits += kMoreBits) {
    BoxJumpTable table(lines, root, highest, bits);
    double steps = kJump * static_cast<double>(keys.size());
    for (const BoxKey& key : keys) {
      const BoxRef ref = table.at(key_word(key, table.word_offset()));
      steps += static_cast<double>(steps_to_leaf(lines, ref, key));
    }
    if (steps >= kWorthwhile * least) continue;
    best = std::move(table);
    least = steps;
  }
  return best;
}

}  // namespace afxfw
