#include "xsk/xsk_socket.h"

#include <fmt/format.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <vector>

#include "util/error.h"
#include "util/log.h"
#include "xsk/busy_retry.h"
#include "xsk/queue_holder.h"

#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9  // linux/if_xdp.h of Linux 6.17
#endif
#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#endif
#ifndef SO_BUSY_POLL_BUDGET
#define SO_BUSY_POLL_BUDGET 70
#endif

namespace afxfw {

namespace {

/// Packets that one sendto() on a copying socket may send, where the kernel
/// lets us choose (Linux 6.17); its own default is 32, which would cost two or
/// more syscalls a batch.
constexpr std::uint32_t kTxBudget = 256;

/// Microseconds that a busy-polling syscall may spin, the kernel
/// documentation's example value.
constexpr int kBusyPollUs = 20;

bool retry_without_need_wakeup(int error_number) { return error_number == EINVAL; }

std::string describe(const SocketOptions& options) {
  return fmt::format("queue {} of {}", options.queue_id, options.interface);
}

[[noreturn]] void throw_bind_error(const SocketOptions& options, int error_number) {
  const std::string operation = "cannot bind an AF_XDP socket to " + describe(options);
  switch (error_number) {
    case EBUSY:
      throw Error(
          fmt::format("{}: the queue has been in use for {} ms{}; stop that program, or "
                      "choose another interface",
                      operation, kBusyRetry.count(), describe_queue_holders()));
    case EOPNOTSUPP:
      throw Error(fmt::format("{}: the driver refused {}", operation,
                              options.zero_copy == ZeroCopy::kRequire
                                  ? "zero-copy; use --zero-copy auto to fall back to copying"
                                  : "it (EOPNOTSUPP)"),
                  ExitCode::kUnsupported);
    case EINVAL:
      throw Error(fmt::format("{}: invalid argument; the interface may have fewer queues "
                              "(ethtool -l {}) or a frame size its driver does not take",
                              operation, options.interface),
                  ExitCode::kUnsupported);
    case ENETDOWN:
      throw Error(fmt::format("{}: the link is down; run: ip link set {} up", operation,
                              options.interface));
    case ENODEV:
      throw Error(operation + ": the interface has gone");
    default:
      throw errno_error(operation, error_number);
  }
}

}  // namespace

std::unique_ptr<XskSocket> XskSocket::open(const FrameArea& area, const SocketOptions& options) {
  std::vector<BindAttempt> ladder;
  if (options.zero_copy != ZeroCopy::kOff) {
    ladder.push_back({XDP_ZEROCOPY, true});
    ladder.push_back({XDP_ZEROCOPY, false});
  }
  if (options.zero_copy != ZeroCopy::kRequire) {
    ladder.push_back({XDP_COPY, true});
    ladder.push_back({XDP_COPY, false});
  }
  int error_number = 0;
  std::optional<int> zero_copy_errno;
  for (const BindAttempt& attempt : ladder) {
    // Only a kernel that does not know the flag refuses it; another error would
    // come back unchanged.
    if (!attempt.need_wakeup && !retry_without_need_wakeup(error_number)) continue;
    // A failed bind leaves rings behind on the socket: begin anew.
    std::unique_ptr<XskSocket> socket(new XskSocket);
    auto umem = std::make_shared<Umem>(area, options.sizes, socket->fill_, socket->completion_);
    socket->fill_.push(options.fill);
    error_number = socket->bind(std::move(umem), options, attempt);
    if (error_number == 0) {
      socket->zero_copy_errno_ = zero_copy_errno;
      socket->apply_socket_options(options);
      return socket;
    }
    log_debug("{}: bind with flags {:#x}{} refused, errno {}", describe(options), attempt.flags,
              attempt.need_wakeup ? " and need_wakeup" : "", error_number);
    if (error_number == EBUSY || error_number == EPERM || error_number == ENODEV ||
        error_number == ENETDOWN) {
      break;
    }
    if (attempt.flags == XDP_ZEROCOPY && !zero_copy_errno) zero_copy_errno = error_number;
  }
  throw_bind_error(options, error_number);
}

std::unique_ptr<XskSocket> XskSocket::open_beside(const XskSocket& owner, const FrameArea& area,
                                                  const SocketOptions& options) {
  if (owner.zero_copy() && options.zero_copy == ZeroCopy::kOff) return open(area, options);
  std::unique_ptr<XskSocket> socket(new XskSocket);
  // A shared bind takes its mode and need_wakeup from the owner; flags must be 0.
  const int error_number = socket->bind(owner.umem_, options, {0, false});
  if (error_number == 0) {
    socket->shares_umem_ = true;
    if (socket->zero_copy_) socket->fill_late(options.fill);
    socket->apply_socket_options(options);
    return socket;
  }
  if (error_number != EOPNOTSUPP && error_number != EINVAL) throw_bind_error(options, error_number);
  log_debug("{}: umem not shareable (errno {}), registering the memory again", describe(options),
            error_number);
  socket.reset();
  return open(area, options);
}

int XskSocket::bind(std::shared_ptr<Umem> umem, const SocketOptions& options, BindAttempt attempt) {
  xsk_socket_config config{};
  config.rx_size = options.sizes.rx;
  config.tx_size = options.sizes.tx;
  config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  config.bind_flags = attempt.flags;
  if (attempt.need_wakeup) config.bind_flags |= XDP_USE_NEED_WAKEUP;
  xsk_ring_cons* rx = options.rings == SocketRings::kTx ? nullptr : rx_.raw();
  xsk_ring_prod* tx = options.rings == SocketRings::kRx ? nullptr : tx_.raw();

  const int result = retry_while_busy([&] {
    return xsk_socket__create_shared(&socket_, options.interface.c_str(), options.queue_id,
                                     umem->get(), rx, tx, fill_.raw(), completion_.raw(), &config);
  });
  if (result != 0) {
    socket_ = nullptr;
    return -result;
  }
  umem_ = std::move(umem);
  fd_ = xsk_socket__fd(socket_);
  need_wakeup_ = attempt.need_wakeup;
  read_back();
  return 0;
}

void XskSocket::read_back() {
  xdp_options effective{};
  socklen_t length = sizeof(effective);
  if (getsockopt(fd_, SOL_XDP, XDP_OPTIONS, &effective, &length) != 0) {
    throw errno_error("cannot read back XDP_OPTIONS", errno);
  }
  zero_copy_ = (effective.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

void XskSocket::fill_late(std::span<const std::uint64_t> addresses) noexcept {
  fill_.push(addresses);
  // The one call that wakes the receive side of a socket without an RX ring too.
  pollfd wake{fd_, POLLIN | POLLOUT, 0};
  poll(&wake, 1, 0);
}

void XskSocket::apply_socket_options(const SocketOptions& options) {
  if (options.rings != SocketRings::kRx && !zero_copy_) {
    const std::uint32_t budget = std::min(kTxBudget, options.sizes.tx);
    if (setsockopt(fd_, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget)) != 0) {
      log_debug("{}: the kernel has no XDP_MAX_TX_SKB_BUDGET (errno {})", describe(options), errno);
    }
  }
  if (!options.busy_poll) return;
  const auto set = [&](int option, int value, const char* option_name) {
    if (setsockopt(fd_, SOL_SOCKET, option, &value, sizeof(value)) != 0) {
      throw errno_error(fmt::format("cannot set {} on {}", option_name, describe(options)), errno);
    }
  };
  set(SO_PREFER_BUSY_POLL, 1, "SO_PREFER_BUSY_POLL");
  set(SO_BUSY_POLL, kBusyPollUs, "SO_BUSY_POLL");
  set(SO_BUSY_POLL_BUDGET, static_cast<int>(options.busy_poll_budget), "SO_BUSY_POLL_BUDGET");
}

XskSocket::~XskSocket() {
  if (socket_ != nullptr) xsk_socket__delete(socket_);
}

xdp_statistics XskSocket::statistics() const noexcept {
  xdp_statistics statistics{};
  socklen_t length = sizeof(statistics);
  getsockopt(fd_, SOL_XDP, XDP_STATISTICS, &statistics, &length);
  return statistics;
}

bool XskSocket::has_napi() const noexcept {
  unsigned id = 0;
  socklen_t length = sizeof(id);
  return getsockopt(fd_, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &length) == 0 && id != 0;
}

void XskSocket::wake_rx() const noexcept {
  recvfrom(fd_, nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

int XskSocket::wake_tx() const noexcept {
  return sendto(fd_, nullptr, 0, MSG_DONTWAIT, nullptr, 0) < 0 ? errno : 0;
}

}  // namespace afxfw
