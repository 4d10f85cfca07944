#include "pipeline/source_sampler.h"

namespace afxfw {

void SourceSampler::add_dropped(const PacketView& packet, DropReason reason, std::uint32_t weight,
                                SpaceSaving& sketch) noexcept {
  const Ipv6Bits address =
      packet.version == 4 ? Ipv6Bits{packet.ipv4_source()} : packet.ipv6_source();
  sketch.count({address, packet.version, reason}, weight);
}

}  // namespace afxfw
