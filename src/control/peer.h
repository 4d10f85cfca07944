#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace afxfw {

/// Who is at the other end of a Unix socket, as the kernel noted when it connected.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  std::vector<gid_t> groups{};  ///< the effective one first

  [[nodiscard]] bool in_group(gid_t group) const noexcept;
};

/// Syscalls: getsockopt (SO_PEERCRED, SO_PEERGROUPS). Throws Error.
[[nodiscard]] Peer peer_of(int socket);

/// "root (pid 4711)", "uid 1000 (pid 4711)": numbers, because asking for names may
/// take as long as a directory server does.
[[nodiscard]] std::string describe(const Peer& peer);

/// Who may do what over a control socket.
struct ControlAccess {
  /// May read, besides root and the user that afxfw runs as.
  gid_t read_group = 0;
  /// May change things, besides root.
  std::optional<gid_t> change_group{};

  [[nodiscard]] bool may_read(const Peer& peer) const noexcept;
  [[nodiscard]] bool may_change(const Peer& peer) const noexcept;
};

/// The number of a group, given by its name or number. Throws Error (kUsage) that
/// names the option.
[[nodiscard]] gid_t find_group(const std::string& group, const std::string& option);

}  // namespace afxfw
