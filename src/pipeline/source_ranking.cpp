#include "pipeline/source_ranking.h"

#include <algorithm>
#include <tuple>

namespace afxfw {
namespace {

auto order(const DroppedSource& source) noexcept {
  return std::tuple(source.version, source.address, source.reason);
}

/// One counter's share. packets and error may be less than nothing, because what windows without
/// the source may have missed is taken off where they have it: it is added for all at the end.
HeavyHitter share(const SpaceSaving::Counter& counter, const SourceWindow& window) {
  HeavyHitter share{.source = counter.source,
                    .packets = counter.packets - window.most_missed,
                    .error_packets = counter.error - window.most_missed};
  if (window.latest && window.seconds > 0) {
    share.rate = static_cast<double>(counter.packets - counter.error) / window.seconds;
  }
  return share;
}

void combine_equal(std::vector<HeavyHitter>& shares) {
  auto end = shares.begin();
  for (auto each = shares.begin(); each != shares.end(); ++each) {
    if (end != shares.begin() && std::prev(end)->source == each->source) {
      HeavyHitter& sum = *std::prev(end);
      sum.packets += each->packets;
      sum.error_packets += each->error_packets;
      sum.rate += each->rate;
    } else {
      *end++ = *each;
    }
  }
  shares.erase(end, shares.end());
}

}  // namespace

SourceRanking rank(std::span<const SourceWindow> windows) {
  SourceRanking ranking;
  std::vector<HeavyHitter>& sources = ranking.sources;
  for (const SourceWindow& window : windows) {
    ranking.packets += window.total;
    ranking.error_bound += window.most_missed;
    for (const SpaceSaving::Counter& counter : window.counters) {
      sources.push_back(share(counter, window));
    }
  }
  std::sort(sources.begin(), sources.end(), [](const HeavyHitter& a, const HeavyHitter& b) {
    return order(a.source) < order(b.source);
  });
  combine_equal(sources);
  for (HeavyHitter& each : sources) {
    each.packets += ranking.error_bound;
    each.error_packets += ranking.error_bound;
  }
  std::erase_if(sources, [](const HeavyHitter& each) { return each.at_least() == 0; });
  std::sort(sources.begin(), sources.end(), [](const HeavyHitter& a, const HeavyHitter& b) {
    return std::tuple(b.at_least(), b.rate, order(a.source)) <
           std::tuple(a.at_least(), a.rate, order(b.source));
  });
  return ranking;
}

}  // namespace afxfw
