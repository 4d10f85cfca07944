#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/space_saving.h"

namespace afxfw {

/// What a sketch held at the end of a stretch of time.
struct SourceWindow {
  std::vector<SpaceSaving::Counter> counters;
  std::uint64_t total = 0;
  std::uint64_t most_missed = 0;  ///< by a source that is not in it
  double seconds = 0;
  bool latest = false;  ///< of its worker: makes up the rates
};

/// A source of many dropped packets. What it sent, as far as samples tell, is between
/// at_least() and `packets`.
struct HeavyHitter {
  DroppedSource source;
  std::uint64_t packets = 0;
  std::uint64_t error_packets = 0;  ///< so many of them, at most, were others'
  double rate = 0;                  ///< packets a second, at least, in the latest windows

  [[nodiscard]] std::uint64_t at_least() const noexcept { return packets - error_packets; }
};

struct SourceRanking {
  std::vector<HeavyHitter> sources;  ///< by at_least(), most first
  std::uint64_t packets = 0;         ///< of all sources
  /// No error_packets is larger, and no source that is left out has sent more. At most
  /// `packets` / k, if the sketches have k counters.
  std::uint64_t error_bound = 0;
};

/// The sources of all windows together. Sketches add up: a source's counters and errors are
/// summed, and where it has no counter, the most that this may have missed is added to both
/// (P. K. Agarwal et al., "Mergeable Summaries", PODS 2012). Those without a packet that is
/// certainly theirs are left out.
[[nodiscard]] SourceRanking rank(std::span<const SourceWindow> windows);

}  // namespace afxfw
