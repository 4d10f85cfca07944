#include "tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "util/error.h"

namespace afxfw::bench {

namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::copy_n(name.begin(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1), request.ifr_name);
  return request;
}

void configure(int fd, unsigned long operation, ifreq& request, const std::string& what) {
  if (ioctl(fd, operation, &request) < 0) {
    throw errno_error("cannot " + what + " of the TAP interface " + request.ifr_name, errno);
  }
}

}  // namespace

Fd open_tap(const std::string& name, const Link& link) {
  Fd tap(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!tap) throw errno_error("cannot open /dev/net/tun", errno, ExitCode::kUnsupported);
  ifreq request = request_for(name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  configure(tap.get(), TUNSETIFF, request, "set the kind");

  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) throw errno_error("cannot open a socket", errno);
  request = request_for(name);
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::copy(link.mac.begin(), link.mac.end(), request.ifr_hwaddr.sa_data);
  configure(socket.get(), SIOCSIFHWADDR, request, "set the MAC address");
  request = request_for(name);
  request.ifr_flags = IFF_UP | IFF_NOARP;
  configure(socket.get(), SIOCSIFFLAGS, request, "set the state");
  return tap;
}

}  // namespace afxfw::bench
