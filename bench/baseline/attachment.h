#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "util/fd.h"

struct xdp_drop_bpf;
struct xdp_redirect_bpf;

namespace afxfw::bench {

/// Attaches a loaded XDP program in native mode, until the descriptor is closed.
/// Throws Error, also when the interface has an XDP program.
[[nodiscard]] Fd attach_native(int program_fd, const std::string& interface, int ifindex);

/// An XDP program on an interface, in native mode. The kernel detaches it when
/// the process ends, however it ends. Needs CAP_NET_ADMIN and CAP_BPF. Factories
/// throw Error, also when the interface has an XDP program.
class Attachment {
 public:
  /// xdp_drop.bpf.c
  static Attachment drop(const std::string& interface, int ifindex);
  /// xdp_redirect.bpf.c, with the socket of one queue.
  static Attachment redirect(const std::string& interface, int ifindex, std::uint32_t queue_id,
                             int socket_fd);

  Attachment(Attachment&& other) noexcept;
  Attachment& operator=(Attachment&&) = delete;
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;
  ~Attachment();

 private:
  Attachment();

  struct Deleter {
    void operator()(xdp_drop_bpf* skeleton) const noexcept;
    void operator()(xdp_redirect_bpf* skeleton) const noexcept;
  };
  // One of the two.
  std::unique_ptr<xdp_drop_bpf, Deleter> drop_;
  std::unique_ptr<xdp_redirect_bpf, Deleter> redirect_;
  Fd link_;
};

}  // namespace afxfw::bench
