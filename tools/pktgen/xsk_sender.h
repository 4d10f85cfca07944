#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "pktgen/frame_source.h"
#include "pktgen/sender.h"
#include "xsk/frame_area.h"
#include "xsk/xsk_socket.h"

namespace afxfw::pktgen {

/// Sends through an AF_XDP socket's TX ring, on one of the interface's queues.
/// Needs CAP_NET_RAW.
///
/// In copy mode the kernel completes a frame that the driver refused like any
/// other, but ends that call with EBUSY (net/xdp/xsk.c), at once. It takes
/// frames in order, so the refused one is the latest of those completed.
class XskSender : public Sender {
 public:
  struct Share {
    std::uint32_t queue_id = 0;
    std::uint64_t first = 0;   ///< index of the first packet
    std::uint64_t stride = 1;  ///< from one packet's index to the next
  };

  /// batch: frames a doorbell, 1 to 256. Throws Error.
  XskSender(const std::string& interface, std::unique_ptr<FrameSource> source, const Share& share,
            std::uint32_t batch);

  [[nodiscard]] bool zero_copy() const noexcept { return socket_->zero_copy(); }

  SendResult send(std::uint64_t frames) override;

 private:
  /// What a frame of the umem holds while it is on its way.
  struct InFlight {
    std::uint64_t packet_index = 0;
    std::uint64_t position = 0;  ///< in the order of the TX ring
    std::uint32_t length = 0;    ///< in bytes
  };

  std::uint64_t take_index();
  InFlight& in_flight(std::uint64_t address) { return in_flight_[address / area_.frame_size()]; }
  /// Puts up to `frames` packets onto the TX ring. Returns how many.
  std::uint32_t submit(std::uint64_t frames);
  /// Makes the kernel send. Returns true if the driver refused a frame.
  bool ring_doorbell();
  /// Takes completed frames back; adds their bytes. Returns how many.
  std::uint32_t reap(std::uint64_t& bytes);

  std::string interface_;
  std::unique_ptr<FrameSource> source_;
  std::uint64_t next_index_;
  std::uint64_t stride_;
  std::uint32_t batch_;

  // The socket goes before the area: the kernel sends from it.
  FrameArea area_;
  std::unique_ptr<XskSocket> socket_;
  std::vector<std::uint64_t> free_;  ///< addresses of frames
  std::vector<InFlight> in_flight_;  ///< by frame number
  std::uint64_t submitted_ = 0;
  std::uint64_t completed_ = 0;
  InFlight latest_completed_;          ///< of the highest position
  std::deque<std::uint64_t> refused_;  ///< packet indices
};

}  // namespace afxfw::pktgen
