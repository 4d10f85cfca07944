#pragma once

#include <cstdint>
#include <memory>

#include "xsk/frame_area.h"
#include "xsk/rings.h"

struct xsk_umem;

namespace afxfw {

/// Ring sizes in entries, each a power of two.
struct RingSizes {
  std::uint32_t rx = 2048;
  std::uint32_t tx = 2048;
  std::uint32_t fill = 4096;
  std::uint32_t completion = 2048;
};

/// A FrameArea registered with the kernel. The area must outlive it; sockets
/// hold it by shared_ptr, so that it goes after the last of them. One area may
/// be registered more than once: a zero-copy umem cannot be shared with an
/// interface that only copies.
class Umem {
 public:
  /// Registers `area` on a new AF_XDP socket and sets up `fill` and
  /// `completion`, which the first socket on this umem takes over and which
  /// must not move. Needs CAP_NET_RAW, and CAP_IPC_LOCK or a memlock limit of
  /// at least the area. Throws Error.
  Umem(const FrameArea& area, const RingSizes& sizes, FillRing& fill, CompletionRing& completion);
  ~Umem();
  Umem(const Umem&) = delete;
  Umem& operator=(const Umem&) = delete;

  [[nodiscard]] xsk_umem* get() const noexcept { return umem_; }

 private:
  xsk_umem* umem_ = nullptr;
};

}  // namespace afxfw
