#pragma once

#include <sys/types.h>

#include <string>

#include "util/fd.h"

namespace afxfw {

/// A listening Unix stream socket at a path of its own, mode 0660. One that a
/// killed process has left there is replaced, and one that a process listens on is
/// respected.
class ControlSocket {
 public:
  /// group: of the socket file. The path is never there without its group and mode
  /// and without somebody who listens. Syscalls: socket, bind, chown, chmod, listen,
  /// rename, and flock on the directory. Throws Error that says what is in the way.
  ControlSocket(std::string path, gid_t group);
  /// Removes the path, if it is still this socket's.
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Whether a process listens there.
  [[nodiscard]] static bool is_live(const std::string& path);

 private:
  std::string path_;
  Fd socket_;
  ino_t inode_ = 0;
  dev_t device_ = 0;
};

/// Removes those sockets in the usual place that a killed afxfw of the interface has
/// left, see default_control_path().
void remove_dead_control_sockets(const std::string& interface);

/// Where the control socket of an interface's afxfw is unless --control says
/// otherwise: /run/afxfw/IFACE.sock; IFACE.PID.sock if the interface of the same
/// name in another network namespace has that one.
[[nodiscard]] std::string default_control_path(const std::string& interface);

/// The directory of those sockets.
inline constexpr const char* kControlDirectory = "/run/afxfw";

}  // namespace afxfw
