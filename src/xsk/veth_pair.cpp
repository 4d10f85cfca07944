#include "xsk/veth_pair.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/veth.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "util/error.h"
#include "util/log.h"
#include "xsk/netlink.h"

namespace afxfw {

namespace {

/// Large enough for whatever the filtered interface receives.
constexpr std::uint32_t kPairMtu = 65535;

std::string transmit_name(int ifindex) { return fmt::format("afxfw{}tx", ifindex); }
std::string receive_name(int ifindex) { return fmt::format("afxfw{}rx", ifindex); }

/// Marks the pair as ours, beside its name.
std::string alias(int ifindex) { return fmt::format("afxfw: reinjection, interface {}", ifindex); }

ifinfomsg link_header(int ifindex = 0, unsigned set_flags = 0) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = ifindex;
  header.ifi_flags = set_flags;
  header.ifi_change = set_flags;
  return header;
}

void describe_end(NetlinkRequest& request, const std::string& interface, std::uint32_t queues) {
  request.put_string(IFLA_IFNAME, interface)
      .put_u32(IFLA_MTU, kPairMtu)
      .put_u32(IFLA_NUM_TX_QUEUES, queues)
      .put_u32(IFLA_NUM_RX_QUEUES, queues);
}

void create(NetlinkSocket& netlink, const std::string& transmit_end, const std::string& receive_end,
            const MacAddress& mac, std::uint32_t queues) {
  NetlinkRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.header(link_header());
  describe_end(request, transmit_end, queues);
  request.nest(IFLA_LINKINFO, [&](NetlinkRequest& info) {
    info.put_string(IFLA_INFO_KIND, "veth").nest(IFLA_INFO_DATA, [&](NetlinkRequest& data) {
      data.nest(VETH_INFO_PEER, [&](NetlinkRequest& peer) {
        peer.header(link_header());
        describe_end(peer, receive_end, queues);
        peer.put(IFLA_ADDRESS, mac.data(), mac.size());
      });
    });
  });
  netlink.send(request, fmt::format("cannot create the reinjection pair {} and {}", transmit_end,
                                    receive_end));
}

/// No address may ever appear on the pair, and nothing but the workers may send
/// into it: no ARP, no IPv6 autoconfiguration, no multicast listener reports.
void silence(NetlinkSocket& netlink, const Link& end, int target_ifindex) {
  NetlinkRequest request(RTM_SETLINK, 0);
  request.header(link_header(end.ifindex, IFF_NOARP));
  request.put_string(IFLA_IFALIAS, alias(target_ifindex));
  netlink.send(request, "cannot set up " + end.name);

  NetlinkRequest no_autoconfiguration(RTM_SETLINK, 0);
  no_autoconfiguration.header(link_header(end.ifindex));
  no_autoconfiguration.nest(IFLA_AF_SPEC, [](NetlinkRequest& families) {
    families.nest(AF_INET6, [](NetlinkRequest& inet6) {
      inet6.put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    });
  });
  if (const int error_number = netlink.try_send(no_autoconfiguration); error_number != 0) {
    log_debug("{}: no IPv6 to turn off (errno {})", end.name, error_number);
  }
  // A forwarding host would still report multicast groups. In a container
  // /proc/sys may be read-only; then only that report remains.
  std::ofstream("/proc/sys/net/ipv6/conf/" + end.name + "/disable_ipv6") << "1";
}

void bring_up(NetlinkSocket& netlink, const Link& end) {
  NetlinkRequest request(RTM_SETLINK, 0);
  request.header(link_header(end.ifindex, IFF_UP));
  netlink.send(request, "cannot bring up " + end.name);
}

tcmsg traffic_control_header(int ifindex, std::uint32_t parent) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = ifindex;
  header.tcm_parent = parent;
  return header;
}

/// tc qdisc add dev FROM clsact
void add_clsact(NetlinkSocket& netlink, const Link& from) {
  NetlinkRequest request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
  tcmsg header = traffic_control_header(from.ifindex, TC_H_CLSACT);
  header.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  request.header(header).put_string(TCA_KIND, "clsact");
  netlink.send(request, fmt::format("cannot add the clsact qdisc to {} (CONFIG_NET_SCH_INGRESS)",
                                    from.name));
}

/// tc filter add dev FROM ingress protocol all u32 match u32 0 0
///   action mirred ingress redirect dev TARGET
void redirect_ingress(NetlinkSocket& netlink, const Link& from, int target_ifindex) {
  constexpr std::uint32_t kPriority = 1;
  NetlinkRequest request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL);
  tcmsg header = traffic_control_header(from.ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS));
  header.tcm_info = TC_H_MAKE(kPriority << 16, htons(ETH_P_ALL));
  request.header(header).put_string(TCA_KIND, "u32");
  request.nest(TCA_OPTIONS, [&](NetlinkRequest& options) {
    // A selector with one key after it; the zero key (mask 0) matches everything.
    alignas(tc_u32_sel) std::array<std::byte, sizeof(tc_u32_sel) + sizeof(tc_u32_key)> selector{};
    auto* const one_key = reinterpret_cast<tc_u32_sel*>(selector.data());
    one_key->flags = TC_U32_TERMINAL;
    one_key->nkeys = 1;
    options.put(TCA_U32_SEL, selector.data(), selector.size());
    options.nest(TCA_U32_ACT, [&](NetlinkRequest& actions) {
      constexpr int kFirstAction = 1;
      actions.nest(kFirstAction, [&](NetlinkRequest& action) {
        action.put_string(TCA_ACT_KIND, "mirred");
        action.nest(TCA_ACT_OPTIONS, [&](NetlinkRequest& mirred) {
          tc_mirred parameters{};
          parameters.action = TC_ACT_STOLEN;
          parameters.eaction = TCA_INGRESS_REDIR;
          parameters.ifindex = static_cast<std::uint32_t>(target_ifindex);
          mirred.put(TCA_MIRRED_PARMS, &parameters, sizeof(parameters));
        });
      });
    });
  });
  netlink.send(request, fmt::format("cannot redirect {} to the ingress of interface {} "
                                    "(needs CONFIG_NET_CLS_U32 and CONFIG_NET_ACT_MIRRED)",
                                    from.name, target_ifindex));
}

void remove(NetlinkSocket& netlink, const Link& end) {
  NetlinkRequest request(RTM_DELLINK, 0);
  request.header(link_header(end.ifindex));
  const int error_number = netlink.try_send(request);
  if (error_number != 0 && error_number != ENODEV) {
    throw errno_error(fmt::format("cannot remove {}; run: ip link del {}", end.name, end.name),
                      error_number);
  }
}

}  // namespace

VethPair::VethPair(const Link& target, std::uint32_t queues)
    : transmit_end_(transmit_name(target.ifindex)), receive_end_(receive_name(target.ifindex)) {
  if (remove_leftover(target.ifindex)) {
    log_info("{}: removed the reinjection pair that an earlier afxfw left behind", target.name);
  }
  NetlinkSocket netlink;
  create(netlink, transmit_end_, receive_end_, target.mac, queues);
  try {
    const Link transmit = require_link(transmit_end_);
    const Link receive = require_link(receive_end_);
    silence(netlink, transmit, target.ifindex);
    silence(netlink, receive, target.ifindex);
    add_clsact(netlink, receive);
    redirect_ingress(netlink, receive, target.ifindex);
    bring_up(netlink, receive);
    bring_up(netlink, transmit);
  } catch (...) {
    remove_leftover(target.ifindex);
    throw;
  }
}

VethPair::~VethPair() {
  try {
    NetlinkSocket netlink;
    if (const auto end = find_link(transmit_end_)) remove(netlink, *end);
  } catch (const Error& error) {
    log_error("{}", error.what());
  }
}

void VethPair::set_mac(const MacAddress& mac) {
  NetlinkSocket netlink;
  const Link end = require_link(receive_end_);
  NetlinkRequest request(RTM_SETLINK, 0);
  request.header(link_header(end.ifindex)).put(IFLA_ADDRESS, mac.data(), mac.size());
  netlink.send(request, "cannot set the MAC address of " + receive_end_);
}

bool VethPair::remove_leftover(int target_ifindex) {
  const auto end = find_link(transmit_name(target_ifindex));
  if (!end) return false;
  if (end->kind != "veth" || (!end->alias.empty() && end->alias != alias(target_ifindex))) {
    throw Error(
        fmt::format("interface {} stands in the way of the reinjection pair and is not "
                    "ours; rename or remove it",
                    end->name));
  }
  NetlinkSocket netlink;
  remove(netlink, *end);
  return true;
}

}  // namespace afxfw
