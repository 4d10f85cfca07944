#include "worker/reinjector.h"

#include <cerrno>
#include <thread>

namespace afxfw {

namespace {

/// Completions taken in one go.
constexpr std::size_t kReapBatch = 256;

/// Wake-ups for one batch. A copying socket sends 32 packets a wake-up where
/// the kernel's budget cannot be raised, so a batch of 256 needs eight.
constexpr int kMaxWakes = 8;

}  // namespace

void Reinjector::reap() noexcept {
  std::array<std::uint64_t, kReapBatch> addresses;
  // Bounded: the ring cannot hold more than were out for sending.
  while (pool_.sending() != 0) {
    const std::uint32_t count = socket_.completion().pop(addresses);
    if (count == 0) return;
    for (const std::uint64_t address : std::span(addresses.data(), count)) {
      if (pool_.completed(address)) {
        ++reinjected_;
      } else {
        ++bad_descriptors_;
      }
    }
  }
}

void Reinjector::send(std::span<const xdp_desc> frames) noexcept {
  for (int wakes = 0; !frames.empty(); ++wakes) {
    const auto wanted = static_cast<std::uint32_t>(frames.size());
    const std::uint32_t room = std::min(socket_.tx().free(wanted), wanted);
    const auto fitting = frames.first(room);
    for (const xdp_desc& frame : fitting) pool_.sent(frame.addr);
    socket_.tx().push(fitting);
    frames = frames.subspan(room);
    if (frames.empty() || wakes == kMaxWakes) break;
    wake();
    reap();
  }
  for (const xdp_desc& frame : frames) pool_.release(frame.addr);
  tx_full_ += frames.size();
}

void Reinjector::flush() noexcept {
  for (int wakes = 0; wakes < kMaxWakes && socket_.tx().pending() != 0; ++wakes) {
    if (wake()) return;
  }
}

bool Reinjector::wake() noexcept {
  if (socket_.need_wakeup() && !socket_.tx().needs_wakeup()) return true;
  switch (socket_.wake_tx()) {
    case EAGAIN:  // the budget of one call is used up, or completions wait for us
    case EBUSY:
    case ENOBUFS:
      reap();
      return false;
    default:
      // Taken over; or an error, the link being down for one, that the next
      // batch meets again: what does not fit then is freed and counted.
      return true;
  }
}

void Reinjector::drain(std::chrono::milliseconds limit) noexcept {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  reap();
  while (busy() && std::chrono::steady_clock::now() < deadline) {
    flush();
    reap();
    std::this_thread::yield();
  }
  tx_full_ += pool_.sending();
}

}  // namespace afxfw
