#include "pktgen/dispatcher_hold.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <sched.h>

#include <cerrno>
#include <exception>
#include <thread>

#include "util/error.h"
#include "xsk/netlink.h"

namespace afxfw::pktgen {

namespace {

constexpr const char* kInterface = "hold0";

struct RtnlLinkDeleter {
  void operator()(rtnl_link* link) const noexcept { rtnl_link_put(link); }
};

void add_veth() {
  const NetlinkSocket socket;
  const std::unique_ptr<rtnl_link, RtnlLinkDeleter> link(rtnl_link_veth_alloc());
  rtnl_link_set_name(link.get(), kInterface);
  const int result = rtnl_link_add(socket.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL);
  if (result < 0) throw Error(fmt::format("cannot add a veth pair: {}", nl_geterror(result)));
}

}  // namespace

DispatcherHold::DispatcherHold(const bpf_program* program) {
  // A thread of its own, since its network namespace ends with it.
  std::exception_ptr failure;
  std::thread([&] {
    try {
      attach(program);
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

void DispatcherHold::attach(const bpf_program* program) {
  if (unshare(CLONE_NEWNET) != 0) throw errno_error("cannot make a network namespace", errno);
  namespace_ = Fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!namespace_) throw errno_error("cannot open a network namespace", errno);
  add_veth();
  errno = 0;
  link_.reset(bpf_program__attach_xdp(program, static_cast<int>(if_nametoindex(kInterface))));
  if (!link_) throw errno_error("cannot attach a program to a private veth", errno);
}

}  // namespace afxfw::pktgen
