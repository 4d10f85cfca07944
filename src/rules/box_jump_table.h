#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rules/box_lines.h"
#include "rules/box_region.h"

namespace afxfw {

/// Where the first steps down a tree lead, by the upper bits of the word that its root
/// compares: one load instead of a step or two. Where these bits don't say, an entry is as
/// far down as they do; at worst the root.
class BoxJumpTable {
 public:
  /// No table.
  BoxJumpTable() = default;

  /// The one that is quickest for samples, or none where steps are as quick.
  [[nodiscard]] static BoxJumpTable best(std::span<const BoxLine> lines, BoxRef root,
                                         std::span<const BoxPoint> samples);

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// Of the word that is looked up, see key_word().
  [[nodiscard]] std::size_t word_offset() const noexcept { return word_offset_; }
  [[nodiscard]] BoxRef at(std::uint32_t word) const noexcept {
    return entries_[std::min<std::size_t>(word >> shift_, entries_.size() - 1)];
  }
  [[nodiscard]] static std::size_t max_memory_bytes() noexcept;
  /// Heap memory held.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return entries_.capacity() * sizeof(BoxRef);
  }

 private:
  /// highest: beyond that word, the last entry's.
  BoxJumpTable(std::span<const BoxLine> lines, BoxRef root, std::uint32_t highest, unsigned bits);

  std::vector<BoxRef> entries_;
  std::size_t word_offset_ = 0;
  unsigned shift_ = 0;
};

}  // namespace afxfw
