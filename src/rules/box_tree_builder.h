#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "rules/box_cut.h"
#include "rules/box_region.h"
#include "rules/box_tree.h"

namespace afxfw {

/// A decision tree while it grows from a single leaf. Where it pays most for the
/// samples, a leaf is cut, until there is no memory left for more nodes.
class BoxTreeBuilder {
 public:
  using Indices = std::vector<std::uint32_t>;

  /// boxes: all boxes, sorted by rule; both must outlive it. indices: those of the
  /// tree, ascending. max_lines: the tree's size if a single leaf isn't larger.
  BoxTreeBuilder(std::span<const RuleBox> boxes, std::span<const BoxPoint> samples, Indices indices,
                 std::size_t max_lines);
  ~BoxTreeBuilder() = default;
  BoxTreeBuilder(const BoxTreeBuilder&) = delete;  // subtrees_ refers to known_
  BoxTreeBuilder& operator=(const BoxTreeBuilder&) = delete;

  /// About how long a look-up of a sample takes, in nanoseconds.
  [[nodiscard]] double cost_ns() const;
  /// Adds the tree to a forest.
  void write(BoxForest& forest) const;

 private:
  struct IndicesHash {
    std::size_t operator()(const Indices& indices) const noexcept;
  };
  /// Of the boxes it is known by; a leaf if it isn't cut.
  struct Subtree {
    const Indices* boxes;
    BoxRegion region;
    unsigned depth;
    Indices samples;
    BoxCut cut = {};
    std::vector<std::size_t> children = {};

    [[nodiscard]] bool is_leaf() const { return children.empty(); }
  };
  /// What cutting a subtree is worth.
  struct Candidate {
    double worth;
    std::size_t subtree;
    bool operator<(const Candidate& other) const { return worth < other.worth; }
  };

  void grow(std::size_t max_lines);
  void add_candidate(std::size_t index);
  bool apply(BoxCut cut, std::size_t index, std::size_t max_lines);
  std::size_t add(Indices boxes, const BoxRegion& region, unsigned depth, Indices samples);

  std::span<const RuleBox> boxes_;
  std::span<const BoxPoint> samples_;
  std::vector<Subtree> subtrees_;  // the root first
  /// By their boxes. A subtree answers right outside of the region it was built for
  /// as well, because a box in it reaches there only across the region's border: so
  /// it can stand wherever the same boxes are left.
  std::unordered_map<Indices, std::size_t, IndicesHash> known_;
  std::vector<Candidate> candidates_;  // a heap
  std::size_t line_count_ = 0;
};

}  // namespace afxfw
