#include "control/peer.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "util/error.h"

namespace afxfw {

bool Peer::in_group(gid_t group) const noexcept {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

Peer peer_of(int socket) {
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    throw errno_error("cannot find out who is at the other end of the control socket", errno);
  }
  Peer peer{credentials.pid, credentials.uid, {credentials.gid}};
  std::array<gid_t, 256> more{};
  length = sizeof(more);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, more.data(), &length) == 0) {
    peer.groups.insert(peer.groups.end(), more.begin(), more.begin() + length / sizeof(gid_t));
  }
  return peer;
}

std::string describe(const Peer& peer) {
  return peer.uid == 0 ? fmt::format("root (pid {})", peer.pid)
                       : fmt::format("uid {} (pid {})", peer.uid, peer.pid);
}

bool ControlAccess::may_read(const Peer& peer) const noexcept {
  return may_change(peer) || peer.uid == geteuid() || peer.in_group(read_group);
}

bool ControlAccess::may_change(const Peer& peer) const noexcept {
  return peer.uid == 0 || (change_group && peer.in_group(*change_group));
}

gid_t find_group(const std::string& group, const std::string& option) {
  errno = 0;
  if (const struct group* const found = getgrnam(group.c_str())) return found->gr_gid;
  gid_t number = 0;
  const char* const end = group.data() + group.size();
  const auto [after, error] = std::from_chars(group.data(), end, number);
  if (error != std::errc{} || after != end) {
    throw Error(fmt::format("{} names the group '{}', which does not exist; make it with: "
                            "groupadd --system {}",
                            option, group, group),
                ExitCode::kUsage);
  }
  return number;
}

}  // namespace afxfw
