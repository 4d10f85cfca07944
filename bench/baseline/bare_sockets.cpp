#include "bare_sockets.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "util/error.h"
#include "xsk/busy_retry.h"

#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9  // linux/if_xdp.h of Linux 6.17
#endif

namespace afxfw::bench {

namespace {

/// Holds a packet of up to 1500 bytes and the kernel's headroom, as afxfw's.
constexpr std::uint32_t kFrameBytes = 2048;

/// Packets that one sendto() on a copying socket may send, as afxfw's; the
/// kernel's own default of 32 would take two calls a batch.
constexpr std::uint32_t kTxBudget = 256;

xsk_socket_config socket_config(const BareOptions& options) {
  xsk_socket_config config{};
  config.rx_size = options.ring_sizes.rx;
  config.tx_size = options.ring_sizes.tx;
  config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  return config;
}

}  // namespace

BareSockets::BareSockets(const BareOptions& options)
    : batch_(options.batch), area_(options.ring_sizes.fill, kFrameBytes) {
  xsk_umem_config config{};
  config.fill_size = options.ring_sizes.fill;
  config.comp_size = options.ring_sizes.completion;
  config.frame_size = kFrameBytes;
  xsk_umem* umem = nullptr;
  if (const int result =
          xsk_umem__create(&umem, area_.base(), area_.size_bytes(), &fill_, &completion_, &config);
      result != 0) {
    throw errno_error("cannot register packet memory for AF_XDP", -result);
  }
  umem_.reset(umem);
  open_receiving(options);
  if (!options.transmit_interface.empty()) open_transmitting(options);

  std::uint32_t slot = 0;
  xsk_ring_prod__reserve(&fill_, area_.frame_count(), &slot);
  for (std::uint32_t frame = 0; frame < area_.frame_count(); ++frame) {
    *xsk_ring_prod__fill_addr(&fill_, slot + frame) = std::uint64_t{frame} * kFrameBytes;
  }
  xsk_ring_prod__submit(&fill_, area_.frame_count());
}

void BareSockets::open_receiving(const BareOptions& options) {
  xsk_socket_config config = socket_config(options);
  // Neither XDP_COPY nor XDP_ZEROCOPY: the kernel takes zero-copy where it can.
  config.bind_flags = XDP_USE_NEED_WAKEUP;
  xsk_socket* socket = nullptr;
  const int result = retry_while_busy([&] {
    return xsk_socket__create(&socket, options.interface.c_str(), options.queue_id, umem_.get(),
                              &rx_, nullptr, &config);
  });
  if (result != 0) {
    throw errno_error(fmt::format("cannot bind an AF_XDP socket to queue {} of {}",
                                  options.queue_id, options.interface),
                      -result);
  }
  receiving_.reset(socket);
}

void BareSockets::open_transmitting(const BareOptions& options) {
  // A shared bind takes its mode from the receiving socket; flags must be 0.
  const xsk_socket_config config = socket_config(options);
  xsk_socket* socket = nullptr;
  const int result =
      xsk_socket__create_shared(&socket, options.transmit_interface.c_str(), 0, umem_.get(),
                                nullptr, &tx_, &unused_fill_, &transmit_completion_, &config);
  if (result != 0) {
    throw errno_error("cannot bind an AF_XDP socket to " + options.transmit_interface, -result);
  }
  transmitting_.reset(socket);
  const std::uint32_t budget = std::min(kTxBudget, options.ring_sizes.tx);
  // An older kernel does not have it; then a batch takes more calls.
  setsockopt(xsk_socket__fd(socket), SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget));
}

bool BareSockets::zero_copy() const {
  xdp_options effective{};
  socklen_t length = sizeof(effective);
  if (getsockopt(receiving_fd(), SOL_XDP, XDP_OPTIONS, &effective, &length) != 0) {
    throw errno_error("cannot read back XDP_OPTIONS", errno);
  }
  return (effective.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

xdp_statistics BareSockets::kernel_statistics() const noexcept {
  xdp_statistics statistics{};
  socklen_t length = sizeof(statistics);
  getsockopt(receiving_fd(), SOL_XDP, XDP_STATISTICS, &statistics, &length);
  return statistics;
}

template <typename Use>
void BareSockets::receive(const std::atomic<bool>& stop, Use use) noexcept {
  const int fd = receiving_fd();
  // Relaxed: the flag carries no data.
  while (!stop.load(std::memory_order_relaxed)) {
    std::uint32_t from = 0;
    const std::uint32_t count = xsk_ring_cons__peek(&rx_, batch_, &from);
    if (count > 0) {
      use(from, count);
      std::uint32_t to = 0;
      xsk_ring_prod__reserve(&fill_, count, &to);
      for (std::uint32_t i = 0; i < count; ++i) {
        *xsk_ring_prod__fill_addr(&fill_, to + i) = xsk_ring_cons__rx_desc(&rx_, from + i)->addr;
      }
      xsk_ring_prod__submit(&fill_, count);
      xsk_ring_cons__release(&rx_, count);
      received_.add(count);
    }
    if (xsk_ring_prod__needs_wakeup(&fill_) != 0) {
      recvfrom(fd, nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
    }
  }
}

void BareSockets::run_drop(const std::atomic<bool>& stop) noexcept {
  receive(stop, [](std::uint32_t, std::uint32_t) {});
}

void BareSockets::run_read(const std::atomic<bool>& stop) noexcept {
  receive(stop, [this](std::uint32_t from, std::uint32_t count) { read(from, count); });
}

void BareSockets::run_write(int tap, const std::atomic<bool>& stop) noexcept {
  receive(stop, [this, tap](std::uint32_t from, std::uint32_t count) {
    std::uint32_t written = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const xdp_desc& packet = *xsk_ring_cons__rx_desc(&rx_, from + i);
      if (write(tap, area_.at(packet.addr), packet.len) >= 0) ++written;
    }
    sent_.add(written);
    tx_full_.add(count - written);
  });
}

void BareSockets::read(std::uint32_t from, std::uint32_t count) const noexcept {
  const auto packet = [&](std::uint32_t slot) {
    return area_.at(xsk_ring_cons__rx_desc(&rx_, slot)->addr);
  };
  for (std::uint32_t i = 0; i < count; ++i) __builtin_prefetch(packet(from + i));
  for (std::uint32_t i = 0; i < count; ++i) {
    // Volatile: nobody uses the value, but it must be read.
    [[maybe_unused]] const std::byte first =
        *static_cast<const volatile std::byte*>(packet(from + i));
  }
}

void BareSockets::run_forward(const std::atomic<bool>& stop) noexcept {
  const int receiving_fd = xsk_socket__fd(receiving_.get());
  const int transmitting_fd = xsk_socket__fd(transmitting_.get());
  while (!stop.load(std::memory_order_relaxed)) {
    refill_completed();
    receive_and_send();
    // What the kernel has not consumed: this batch, and more after an EAGAIN.
    const bool pending = tx_.cached_prod != __atomic_load_n(tx_.consumer, __ATOMIC_ACQUIRE);
    if (pending && xsk_ring_prod__needs_wakeup(&tx_) != 0) {
      sendto(transmitting_fd, nullptr, 0, MSG_DONTWAIT, nullptr, 0);
    }
    if (xsk_ring_prod__needs_wakeup(&fill_) != 0) {
      recvfrom(receiving_fd, nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
    }
  }
}

void BareSockets::refill_completed() noexcept {
  std::uint32_t from = 0;
  const std::uint32_t count = xsk_ring_cons__peek(&transmit_completion_, batch_, &from);
  if (count == 0) return;
  std::uint32_t to = 0;
  xsk_ring_prod__reserve(&fill_, count, &to);
  for (std::uint32_t i = 0; i < count; ++i) {
    *xsk_ring_prod__fill_addr(&fill_, to + i) =
        *xsk_ring_cons__comp_addr(&transmit_completion_, from + i);
  }
  xsk_ring_prod__submit(&fill_, count);
  xsk_ring_cons__release(&transmit_completion_, count);
  sent_.add(count);
}

void BareSockets::receive_and_send() noexcept {
  std::uint32_t from = 0;
  const std::uint32_t count = xsk_ring_cons__peek(&rx_, batch_, &from);
  if (count == 0) return;
  const std::uint32_t fitting = std::min(count, xsk_prod_nb_free(&tx_, count));
  std::uint32_t to = 0;
  xsk_ring_prod__reserve(&tx_, fitting, &to);
  for (std::uint32_t i = 0; i < fitting; ++i) {
    *xsk_ring_prod__tx_desc(&tx_, to + i) = *xsk_ring_cons__rx_desc(&rx_, from + i);
  }
  xsk_ring_prod__submit(&tx_, fitting);
  if (fitting < count) {
    xsk_ring_prod__reserve(&fill_, count - fitting, &to);
    for (std::uint32_t i = fitting; i < count; ++i) {
      *xsk_ring_prod__fill_addr(&fill_, to++) = xsk_ring_cons__rx_desc(&rx_, from + i)->addr;
    }
    xsk_ring_prod__submit(&fill_, count - fitting);
    tx_full_.add(count - fitting);
  }
  xsk_ring_cons__release(&rx_, count);
  received_.add(count);
}

}  // namespace afxfw::bench
