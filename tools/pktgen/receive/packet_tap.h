#pragma once

#include <linux/if_packet.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "util/fd.h"

namespace afxfw::pktgen {

/// A frame in the tap's ring; its bytes last until drain() goes on.
struct TappedFrame {
  std::span<const std::byte> head;  ///< cut off, without a VLAN tag that the driver took out
  std::uint32_t frame_bytes = 0;    ///< as it was on the wire, without FCS
  std::int64_t arrival_ns = 0;      ///< CLOCK_REALTIME, when the kernel took it
};

/// What arrives on an interface for one network protocol, through a memory-mapped
/// ring (packet(7), TPACKET_V3). Needs CAP_NET_RAW. Used by one thread.
///
/// The tap is bound to the protocol, not to ETH_P_ALL: the kernel hands a packet
/// to it together with the protocol's own handler, behind the interface's XDP
/// program, tc and nft ingress (net/core/dev.c, __netif_receive_skb_core). So it
/// sees what the host's stack gets and nothing that was dropped or taken away
/// before; and what is put back into the interface's ingress is seen then.
/// Outgoing packets are left out.
class PacketTap {
 public:
  /// ether_type: ETH_P_IP or ETH_P_IPV6. head_bytes: how much of a frame to keep.
  /// Throws Error.
  PacketTap(const std::string& interface, int ifindex, std::uint16_t ether_type,
            std::uint32_t head_bytes);
  ~PacketTap();
  PacketTap(const PacketTap&) = delete;
  PacketTap& operator=(const PacketTap&) = delete;

  /// Readable when there are frames.
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

  /// Calls visit(const TappedFrame&) for each frame that is there. Returns how many.
  template <typename Visit>
  std::uint64_t drain(Visit&& visit) {
    std::uint64_t frames = 0;
    while (const tpacket_block_desc* block = ready_block()) {
      frames += block->hdr.bh1.num_pkts;
      const std::byte* at =
          reinterpret_cast<const std::byte*>(block) + block->hdr.bh1.offset_to_first_pkt;
      for (std::uint32_t i = 0; i < block->hdr.bh1.num_pkts; ++i) {
        const auto* header = reinterpret_cast<const tpacket3_hdr*>(at);
        visit(frame_of(*header));
        at += header->tp_next_offset;
      }
      release_block();
    }
    return frames;
  }

  /// Frames that found the ring full since the last call. Throws Error.
  [[nodiscard]] std::uint64_t take_dropped();

 private:
  [[nodiscard]] const tpacket_block_desc* ready_block() const noexcept;
  void release_block() noexcept;
  [[nodiscard]] static TappedFrame frame_of(const tpacket3_hdr& header) noexcept;

  void set_up(std::uint16_t ether_type, int ifindex, std::uint32_t head_bytes);
  void set_option(int option, const void* value, unsigned length, const char* what);

  std::string interface_;
  Fd socket_;
  std::byte* ring_ = nullptr;
  std::uint32_t block_ = 0;  ///< the one to be read next
};

}  // namespace afxfw::pktgen
