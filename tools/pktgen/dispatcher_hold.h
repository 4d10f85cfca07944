#pragma once

#include <bpf/libbpf.h>

#include <memory>

#include "util/fd.h"

namespace afxfw::pktgen {

/// Keeps an XDP program in the kernel's XDP dispatcher (kernel/bpf/dispatcher.c)
/// while it exists.
///
/// A test run puts its program into the dispatcher and takes it out again, and
/// both wait for an RCU grace period: seen to take 24 ms a call, which makes
/// pacing by short calls impossible. A program that is there already is only
/// counted. It is there as long as it is attached natively to some interface,
/// so this attaches it to one end of a veth pair that stays down, in a network
/// namespace of its own without a name. When the process ends, however it ends,
/// the kernel removes all of it.
class DispatcherHold {
 public:
  /// Needs CAP_SYS_ADMIN (for the namespace) and CAP_NET_ADMIN. Throws Error.
  explicit DispatcherHold(const bpf_program* program);

 private:
  struct LinkDeleter {
    void operator()(bpf_link* link) const noexcept { bpf_link__destroy(link); }
  };
  void attach(const bpf_program* program);

  // The link goes first: its interface lives as long as the namespace.
  Fd namespace_;
  std::unique_ptr<bpf_link, LinkDeleter> link_;
};

}  // namespace afxfw::pktgen
