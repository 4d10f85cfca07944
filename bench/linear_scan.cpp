#include "linear_scan.h"

#include <algorithm>

namespace afxfw {

LinearScan::LinearScan(const std::vector<Box>& boxes) {
  for (const Box& box : boxes) {
    source_.add(box.source_low, box.source_high);
    destination_.add(box.destination_low, box.destination_high);
    source_port_.add(box.source_port_low, box.source_port_high);
    destination_port_.add(box.destination_port_low, box.destination_port_high);
    protocol_.add(box.protocol_low, box.protocol_high);
    rule_.push_back(box.rule);
  }
}

std::uint32_t LinearScan::first(const BoxKey& key, std::uint32_t from) const {
  constexpr std::size_t kChunk = 256;
  // Numbers, so that all are compared at once, without a branch.
  const auto matches = [&](std::size_t i) -> bool {
    const auto number = [](bool holds) { return static_cast<unsigned>(holds); };
    return (number(source_.contains(i, key.source)) &
            number(destination_.contains(i, key.destination)) &
            number(source_port_.contains(i, key.source_port)) &
            number(destination_port_.contains(i, key.destination_port)) &
            number(protocol_.contains(i, key.protocol)) & number(rule_[i] >= from)) != 0;
  };
  for (std::size_t chunk = 0; chunk < rule_.size(); chunk += kChunk) {
    const std::size_t end = std::min(chunk + kChunk, rule_.size());
    bool any = false;
    for (std::size_t i = chunk; i < end; ++i) any |= matches(i);
    if (!any) continue;
    for (std::size_t i = chunk; i < end; ++i) {
      if (matches(i)) return rule_[i];
    }
  }
  return kNoBoxRule;
}

}  // namespace afxfw
