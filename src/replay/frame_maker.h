#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "replay/captured_packet.h"
#include "replay/link_type.h"

namespace afxfw {

/// A captured packet as the Ethernet frame that the XDP program would have seen.
struct Frame {
  std::span<const std::byte> bytes;
  /// How many of them are known; zeros stand for the rest, which a snap length
  /// cut off.
  std::size_t known_bytes = 0;

  [[nodiscard]] bool whole() const noexcept { return known_bytes == bytes.size(); }
};

/// Makes frames of captured packets: an Ethernet header in place of any other
/// link header, its EtherType from there, its addresses zero but for the sender's
/// where it is known; and zeros up to the packet's length on the wire, so that
/// what a snap length cut off does not look as if it had never been there.
class FrameMaker {
 public:
  explicit FrameMaker(LinkType link_type) noexcept : link_type_(link_type) {}

  /// Valid until the next call, and as long as the packet.
  [[nodiscard]] Frame make(const CapturedPacket& packet);

 private:
  LinkType link_type_;
  std::vector<std::byte> buffer_;
};

}  // namespace afxfw
