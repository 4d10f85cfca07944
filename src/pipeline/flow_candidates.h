#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "afxfw_abi.h"
#include "net/packet_view.h"

namespace afxfw {

/// Whether a packet is one that the XDP program's fast path may pass: untagged TCP or UDP,
/// whole, over IPv4 without options or IPv6 without extension headers. Its flow is told by
/// addresses, protocol and ports.
[[nodiscard]] bool is_plain_flow(const PacketView& view) noexcept;

/// A flow for the XDP program's map of its family.
template <typename Key>
struct AcceptedFlow {
  Key key;
  std::uint64_t value = 0;  ///< afxfw_flow_value()
};

/// Picks from what a worker accepted the flows that are worth remembering in the kernel,
/// which takes a system call each: at most kMostInBatch a batch, and none before its second
/// packet, so that a flood of flows with one packet costs nothing. A flow whose packets go
/// on coming, because it was forgotten or is still in the rings, is picked again now and
/// then. One thread.
class FlowCandidates {
 public:
  /// So that a batch of 64 packets, 10 µs or more, hardly grows by it, and that 10,000
  /// flows are learnt within 2,500 batches, a fraction of a second.
  static constexpr std::size_t kMostInBatch = 4;
  /// After a flow was picked, so many packets of it pass by before it is picked again.
  static constexpr std::uint32_t kPacketsBetween = 16;

  /// flows: as many as the kernel's map holds; takes 4 bytes for each.
  explicit FlowCandidates(std::uint32_t flows);

  /// A packet that rules of this generation accepted, by its flow alone
  /// (is_about_flow()).
  void note(const PacketView& packet, std::uint64_t generation) noexcept {
    if (ipv4_count_ + ipv6_count_ < kMostInBatch && is_plain_flow(packet))
      count(packet, generation);
  }

  /// Those of the batch; valid until the next note().
  [[nodiscard]] std::span<const AcceptedFlow<afxfw_ipv4_flow>> ipv4() const noexcept {
    return {ipv4_.data(), ipv4_count_};
  }
  [[nodiscard]] std::span<const AcceptedFlow<afxfw_ipv6_flow>> ipv6() const noexcept {
    return {ipv6_.data(), ipv6_count_};
  }
  /// After them, a new batch.
  void clear() noexcept { ipv4_count_ = ipv6_count_ = 0; }

 private:
  void count(const PacketView& packet, std::uint64_t generation) noexcept;
  /// Whether this packet of a flow is one to pick it at.
  [[nodiscard]] bool is_due(std::uint64_t hash) noexcept;

  // By a flow's hash: the rest of it, and in the low bits how many packets came, modulo
  // kPacketsBetween. Flows of one slot put each other out.
  std::vector<std::uint32_t> seen_;
  std::array<AcceptedFlow<afxfw_ipv4_flow>, kMostInBatch> ipv4_;
  std::array<AcceptedFlow<afxfw_ipv6_flow>, kMostInBatch> ipv6_;
  std::size_t ipv4_count_ = 0;
  std::size_t ipv6_count_ = 0;
};

}  // namespace afxfw
