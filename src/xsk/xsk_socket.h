#pragma once

#include <linux/if_xdp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "xsk/rings.h"
#include "xsk/umem.h"

struct xsk_socket;

namespace afxfw {

enum class ZeroCopy { kAuto, kRequire, kOff };

/// Which rings a socket gets besides its fill and completion ring.
enum class SocketRings { kRx, kTx, kRxTx };

struct SocketOptions {
  std::string interface;
  std::uint32_t queue_id = 0;
  SocketRings rings = SocketRings::kRx;
  RingSizes sizes;
  ZeroCopy zero_copy = ZeroCopy::kAuto;
  bool busy_poll = false;
  std::uint32_t busy_poll_budget = 64;  ///< packets a busy-poll call, at most
  /// Addresses of frames for the fill ring, no more than it has room for. A
  /// zero-copy driver takes its receive buffers there as soon as the socket is
  /// bound, and without any the queue receives nothing, not even for the host.
  std::span<const std::uint64_t> fill;
};

/// An AF_XDP socket bound to one queue of one interface, with its rings, all of
/// them for one thread. Made complete by a factory; pinned, because libxdp
/// keeps pointers to the rings.
class XskSocket {
 public:
  /// Registers `area` and binds, by the ladder zero-copy → copy and with
  /// need_wakeup → without, as far as options.zero_copy allows. A queue that
  /// is busy, as for a moment after its last owner closed, is retried for
  /// kBusyRetry (busy_retry.h). Needs CAP_NET_RAW and, without CAP_IPC_LOCK, a memlock
  /// limit. Throws Error: kUnsupported when zero-copy is required and refused.
  static std::unique_ptr<XskSocket> open(const FrameArea& area, const SocketOptions& options);

  /// Binds to another queue or interface on the umem of `owner`: frames move
  /// between the two without a copy in user space. Where the kernel cannot
  /// share that umem (zero-copy here, copy there), the same memory is
  /// registered a second time.
  static std::unique_ptr<XskSocket> open_beside(const XskSocket& owner, const FrameArea& area,
                                                const SocketOptions& options);
  ~XskSocket();
  XskSocket(const XskSocket&) = delete;
  XskSocket& operator=(const XskSocket&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] FillRing& fill() noexcept { return fill_; }
  [[nodiscard]] CompletionRing& completion() noexcept { return completion_; }
  [[nodiscard]] RxRing& rx() noexcept { return rx_; }
  [[nodiscard]] TxRing& tx() noexcept { return tx_; }

  /// As read back from the kernel (XDP_OPTIONS), not as asked for.
  [[nodiscard]] bool zero_copy() const noexcept { return zero_copy_; }
  [[nodiscard]] bool need_wakeup() const noexcept { return need_wakeup_; }
  /// True when the umem of another socket is used, false when this socket has
  /// a registration of its own.
  [[nodiscard]] bool shares_umem() const noexcept { return shares_umem_; }
  /// The error of the refused zero-copy bind, when zero_copy() is false
  /// although it was tried.
  [[nodiscard]] std::optional<int> zero_copy_errno() const noexcept { return zero_copy_errno_; }

  /// XDP_STATISTICS: what the kernel dropped on this socket. Any thread.
  [[nodiscard]] xdp_statistics statistics() const noexcept;

  /// Whether the kernel knows whose NAPI to poll for this socket; without, busy
  /// polling does nothing. Some drivers are known at once, others by the first
  /// packet, and some never. Any thread.
  [[nodiscard]] bool has_napi() const noexcept;

  /// Wakes the kernel's receive side (fill ring). Never blocks; errors that a
  /// later call repairs (EAGAIN, EBUSY, ENOBUFS) or that mean the link is down
  /// are not reported: the caller comes round again.
  void wake_rx() const noexcept;

  /// Wakes the kernel's transmit side. Returns 0 or the errno of sendto.
  [[nodiscard]] int wake_tx() const noexcept;

 private:
  XskSocket() = default;

  struct BindAttempt {
    std::uint16_t flags;
    bool need_wakeup;
  };
  /// Returns 0 or an errno; retries EBUSY.
  int bind(std::shared_ptr<Umem> umem, const SocketOptions& options, BindAttempt attempt);
  void read_back();
  /// The fill ring's frames of a socket that was bound before it had one.
  void fill_late(std::span<const std::uint64_t> addresses) noexcept;
  void apply_socket_options(const SocketOptions& options);

  // Rings before the umem and the socket: libxdp unmaps them when those go.
  FillRing fill_;
  CompletionRing completion_;
  RxRing rx_;
  TxRing tx_;
  std::shared_ptr<Umem> umem_;
  xsk_socket* socket_ = nullptr;
  int fd_ = -1;
  bool zero_copy_ = false;
  bool need_wakeup_ = false;
  bool shares_umem_ = false;
  std::optional<int> zero_copy_errno_;
};

}  // namespace afxfw
