#include "xsk/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"

namespace afxfw {

namespace {

/// Runs one ethtool command in the caller's network namespace. `command` is a
/// struct of linux/ethtool.h that starts with its cmd.
template <typename Command>
bool ethtool(const std::string& interface, Command& command) {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) throw errno_error("cannot open a socket for ethtool requests", errno);
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&command);
  return ioctl(socket.get(), SIOCETHTOOL, &request) == 0;
}

std::optional<std::uint32_t> get_value(const std::string& interface, std::uint32_t cmd) {
  ethtool_value value{cmd, 0};
  if (!ethtool(interface, value)) return std::nullopt;
  return value.data;
}

bool set_value(const std::string& interface, std::uint32_t cmd, std::uint32_t data) {
  ethtool_value value{cmd, data};
  return ethtool(interface, value);
}

/// GRO has a command of its own; the others are bits of the flags word.
std::uint32_t flag(Offload offload) {
  return offload == Offload::kLro ? ETH_FLAG_LRO : ETH_FLAG_RXVLAN;
}

}  // namespace

Channels query_channels(const std::string& interface) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (!ethtool(interface, channels)) return {};
  return {channels.combined_count + channels.rx_count, channels.combined_count + channels.tx_count,
          channels.combined_count != 0};
}

std::string query_driver(const std::string& interface) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  return ethtool(interface, info) ? info.driver : "";
}

const char* ethtool_name(Offload offload) noexcept {
  switch (offload) {
    case Offload::kGro:
      return "gro";
    case Offload::kLro:
      return "lro";
    case Offload::kRxVlan:
      return "rxvlan";
  }
  return "";
}

bool offload_enabled(const std::string& interface, Offload offload) {
  if (offload == Offload::kGro) return get_value(interface, ETHTOOL_GGRO).value_or(0) != 0;
  return (get_value(interface, ETHTOOL_GFLAGS).value_or(0) & flag(offload)) != 0;
}

bool set_offload(const std::string& interface, Offload offload, bool on) {
  if (offload == Offload::kGro) return set_value(interface, ETHTOOL_SGRO, on ? 1 : 0);
  const auto flags = get_value(interface, ETHTOOL_GFLAGS);
  if (!flags) return false;
  const std::uint32_t wanted = on ? *flags | flag(offload) : *flags & ~flag(offload);
  return set_value(interface, ETHTOOL_SFLAGS, wanted) && offload_enabled(interface, offload) == on;
}

std::optional<OffloadGuard> OffloadGuard::turn_off(const std::string& interface, Offload offload) {
  const unsigned ifindex = if_nametoindex(interface.c_str());
  if (ifindex == 0 || !set_offload(interface, offload, false)) return std::nullopt;
  return OffloadGuard(ifindex, offload);
}

OffloadGuard::OffloadGuard(unsigned ifindex, Offload offload)
    : ifindex_(ifindex), offload_(offload) {}

OffloadGuard::OffloadGuard(OffloadGuard&& other) noexcept
    : ifindex_(std::exchange(other.ifindex_, 0)), offload_(other.offload_) {}

OffloadGuard::~OffloadGuard() {
  std::array<char, IF_NAMESIZE> interface {};
  if (ifindex_ == 0 || if_indextoname(ifindex_, interface.data()) == nullptr) return;
  try {
    if (set_offload(interface.data(), offload_, true)) return;
  } catch (const Error&) {
    // falls through to the message
  }
  log_warn("{}: cannot turn {} on again; run: ethtool -K {} {} on", interface.data(),
           ethtool_name(offload_), interface.data(), ethtool_name(offload_));
}

}  // namespace afxfw
