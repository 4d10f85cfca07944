#include "xsk/link.h"

#include <fmt/format.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/addr.h>
#include <netlink/errno.h>
#include <netlink/route/link.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "util/error.h"
#include "xsk/ethtool.h"
#include "xsk/netlink.h"

namespace afxfw {

namespace {

struct LinkDeleter {
  void operator()(rtnl_link* link) const noexcept { rtnl_link_put(link); }
};

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

std::optional<Link> query(int ifindex, const char* interface) {
  const NetlinkSocket socket;
  rtnl_link* raw = nullptr;
  const int result = rtnl_link_get_kernel(socket.get(), ifindex, interface, &raw);
  const std::unique_ptr<rtnl_link, LinkDeleter> link(raw);
  if (result == -NLE_NODEV || result == -NLE_OBJ_NOTFOUND) return std::nullopt;
  if (result != 0) {
    throw Error(fmt::format("cannot query interface {}: {}",
                            interface != nullptr ? interface : std::to_string(ifindex),
                            nl_geterror(result)));
  }
  Link found;
  found.ifindex = rtnl_link_get_ifindex(raw);
  found.name = text_or_empty(rtnl_link_get_name(raw));
  found.kind = text_or_empty(rtnl_link_get_type(raw));
  found.alias = text_or_empty(rtnl_link_get_ifalias(raw));
  found.mtu = rtnl_link_get_mtu(raw);
  const unsigned flags = rtnl_link_get_flags(raw);
  found.up = (flags & IFF_UP) != 0;
  found.carrier = (flags & IFF_RUNNING) != 0;
  found.ethernet = rtnl_link_get_arptype(raw) == ARPHRD_ETHER;
  if (nl_addr* const address = rtnl_link_get_addr(raw);
      address != nullptr && nl_addr_get_len(address) == found.mac.size()) {
    std::memcpy(found.mac.data(), nl_addr_get_binary_addr(address), found.mac.size());
  }
  const Channels channels = query_channels(found.name);
  // Drivers without channels have as many queues as they were made with.
  found.rx_queues = channels.rx != 0 ? channels.rx : std::max(1U, rtnl_link_get_num_rx_queues(raw));
  found.tx_queues = channels.tx != 0 ? channels.tx : std::max(1U, rtnl_link_get_num_tx_queues(raw));
  found.combined_channels = channels.combined;
  found.driver = query_driver(found.name);
  return found;
}

std::string present_interfaces() {
  std::string names;
  struct if_nameindex* const all = if_nameindex();
  if (all == nullptr) return names;
  for (const struct if_nameindex* each = all; each->if_index != 0; ++each) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", each->if_name);
  }
  if_freenameindex(all);
  return names;
}

}  // namespace

std::optional<Link> find_link(const std::string& interface) { return query(0, interface.c_str()); }

std::optional<Link> find_link(int ifindex) { return query(ifindex, nullptr); }

Link require_link(const std::string& interface) {
  // The kernel refuses a longer name with ERANGE, which says little.
  if (interface.size() < IFNAMSIZ) {
    if (auto link = find_link(interface)) return *link;
  }
  throw Error(fmt::format("no interface '{}' in this network namespace; there are: {}", interface,
                          present_interfaces()),
              ExitCode::kUnsupported);
}

}  // namespace afxfw
