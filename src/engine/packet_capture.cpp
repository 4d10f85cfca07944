#include "engine/packet_capture.h"

#include <algorithm>
#include <utility>

namespace afxfw {

PacketCapture::PacketCapture(std::vector<Source> sources, const Options& options)
    : options_(options), sources_(std::move(sources)) {
  // All of the memory first: nothing is attached if there is not enough of it.
  for (const Source& source : sources_) {
    taps_.push_back(std::make_unique<CaptureTap>(CaptureTap::Options{
        .verdicts = options.verdicts,
        .snap_length = options.snap_length,
        .queue_id = source.queue_id,
    }));
  }
  for (std::size_t i = 0; i < sources_.size(); ++i) sources_[i].point->attach(*taps_[i]);
}

void PacketCapture::close() noexcept {
  for (const auto& tap : taps_) tap->close();
  for (const Source& source : sources_) source.wake();
}

bool PacketCapture::over() const noexcept {
  return std::none_of(sources_.begin(), sources_.end(),
                      [](const Source& source) { return source.point->attached(); });
}

CaptureCounts PacketCapture::counts() const noexcept {
  CaptureCounts counts;
  for (const auto& tap : taps_) counts += tap->counts();
  return counts;
}

}  // namespace afxfw
