#pragma once

#include <linux/if_xdp.h>
#include <xdp/xsk.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "util/cache_line.h"
#include "util/counter.h"
#include "xsk/frame_area.h"
#include "xsk/umem.h"

namespace afxfw::bench {

struct BareOptions {
  std::string interface;  ///< to receive from
  std::uint32_t queue_id = 0;
  std::uint32_t batch = 64;        ///< packets at a time
  std::string transmit_interface;  ///< to send to, queue 0; empty: received packets are dropped
  RingSizes ring_sizes;            ///< as afxfw's own
};

/// As much of AF_XDP as it takes to receive packets, and to drop them or send
/// them on: no parsing, no rules, no frame accounting beyond what keeps every
/// frame in use. The measure for afxfw's worker, so it has the worker's ring and
/// frame sizes, batches, and wake-ups, and, like a busy worker, it spins.
///
/// There are as many frames as the fill ring has slots, so a frame that comes
/// back always finds room there.
///
/// The constructor and the run functions belong to one pinned thread, the rest
/// to any.
class BareSockets {
 public:
  /// On return the sockets can receive. Needs CAP_NET_RAW and CAP_IPC_LOCK (or a
  /// memlock limit of 8 MiB). Throws Error.
  explicit BareSockets(const BareOptions& options);

  /// Receives and drops until `stop`.
  void run_drop(const std::atomic<bool>& stop) noexcept;
  /// The same, but looks at each packet: takes it from the kernel's cache.
  void run_read(const std::atomic<bool>& stop) noexcept;
  /// Receives and sends out of the transmit interface until `stop`.
  void run_forward(const std::atomic<bool>& stop) noexcept;

  /// Receives and writes each packet to `tap` until `stop`.
  void run_write(int tap, const std::atomic<bool>& stop) noexcept;

  [[nodiscard]] int receiving_fd() const noexcept { return xsk_socket__fd(receiving_.get()); }
  [[nodiscard]] bool zero_copy() const;
  [[nodiscard]] xdp_statistics kernel_statistics() const noexcept;

  [[nodiscard]] std::uint64_t received() const noexcept { return received_.get(); }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_.get(); }
  /// Received, but without room in the TX ring, or refused by the TAP: lost.
  [[nodiscard]] std::uint64_t tx_full() const noexcept { return tx_full_.get(); }

 private:
  struct Deleter {
    void operator()(xsk_umem* umem) const noexcept { xsk_umem__delete(umem); }
    void operator()(xsk_socket* socket) const noexcept { xsk_socket__delete(socket); }
  };

  /// use(from, count): on the RX ring's slots of each batch, before they go back.
  template <typename Use>
  void receive(const std::atomic<bool>& stop, Use use) noexcept;
  void read(std::uint32_t from, std::uint32_t count) const noexcept;
  void open_receiving(const BareOptions& options);
  void open_transmitting(const BareOptions& options);
  void refill_completed() noexcept;
  void receive_and_send() noexcept;

  std::uint32_t batch_;
  // Memory and rings before what refers to them; sockets after their umem.
  FrameArea area_;
  xsk_ring_prod fill_{};
  xsk_ring_cons completion_{};
  xsk_ring_cons rx_{};
  xsk_ring_prod tx_{};
  xsk_ring_prod unused_fill_{};  // a socket on another interface must have one
  xsk_ring_cons transmit_completion_{};
  std::unique_ptr<xsk_umem, Deleter> umem_;
  std::unique_ptr<xsk_socket, Deleter> receiving_;
  std::unique_ptr<xsk_socket, Deleter> transmitting_;

  alignas(kCacheLine) Counter received_;
  Counter sent_;
  Counter tx_full_;
};

}  // namespace afxfw::bench
