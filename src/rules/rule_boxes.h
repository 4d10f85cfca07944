#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "net/packet_view.h"
#include "rules/box.h"
#include "rules/interval_set.h"
#include "rules/nft_ast.h"

namespace afxfw {

/// Which packets a classifier of five fields is for.
enum class BoxFamily : std::uint8_t { kIpv4, kIpv6 };

/// What a rule's matches say about the five fields that a classifier knows, for
/// packets of one family.
class RuleBoxes {
 public:
  explicit RuleBoxes(BoxFamily family);

  /// Narrows the boxes down to what a match leaves of them. Returns true if they
  /// now say all that the match says, so that it need not be asked any more.
  bool narrow(const nft::Match& match);

  /// No packet of this family can match.
  [[nodiscard]] bool empty() const noexcept;

  /// Every packet in the other ones is in these.
  [[nodiscard]] bool cover(const RuleBoxes& other) const noexcept;

  /// How many boxes there are.
  [[nodiscard]] std::size_t count() const noexcept;

  /// IPv6 addresses in `source` and `destination`, by which add_boxes() ranks.
  [[nodiscard]] const IntervalSet& values(BoxDimension dimension) const noexcept {
    return dimensions_[dimension];
  }

  /// The protocol's place in a box also says whether the packet has ports.
  static constexpr std::uint16_t kNoPorts = 0x200;
  [[nodiscard]] static std::uint16_t protocol_key(const PacketView& packet, bool ports) noexcept {
    return static_cast<std::uint16_t>(packet.protocol | (ports ? 0 : kNoPorts));
  }

 private:
  bool narrow_to(BoxDimension dimension, const IntervalSet& values);
  void require_protocol(std::uint8_t protocol);
  void require_ports();

  BoxFamily family_;
  std::array<IntervalSet, kBoxDimensions> dimensions_;
};

}  // namespace afxfw
