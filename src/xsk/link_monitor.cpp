#include "xsk/link_monitor.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "util/error.h"

namespace afxfw {

LinkMonitor::LinkMonitor(Link link)
    : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)),
      link_(std::move(link)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (!socket_ ||
      bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw errno_error("cannot subscribe to link notifications", errno);
  }
}

std::optional<LinkMonitor::Change> LinkMonitor::changed() {
  // The content is not parsed: a notification may be lost (ENOBUFS), the state
  // that the look-up returns cannot.
  std::array<char, 16384> ignored;
  while (recv(socket_.get(), ignored.data(), ignored.size(), 0) > 0 || errno == ENOBUFS) {
  }
  std::optional<Link> now = find_link(link_.ifindex);
  if (now && now->up == link_.up && now->carrier == link_.carrier && now->mac == link_.mac &&
      now->mtu == link_.mtu && now->name == link_.name && now->rx_queues == link_.rx_queues) {
    return std::nullopt;
  }
  Change change{link_, now};
  if (now) link_ = *now;
  return change;
}

}  // namespace afxfw
