#include "control/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "util/error.h"

namespace afxfw {

namespace {

/// Longer queues of clients not yet accepted gain nothing: accepting is quick.
constexpr int kBacklog = 1024;

Fd unix_socket() {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) throw errno_error("cannot create a Unix socket", errno);
  return socket;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    throw Error(fmt::format("the path of the control socket, {}, is longer than {} bytes; give a "
                            "shorter one with --control",
                            path, sizeof(address.sun_path) - 1),
                ExitCode::kUsage);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Two processes that start at once take turns.
Fd lock_directory(const std::string& path) {
  const std::string directory = directory_of(path);
  Fd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    throw errno_error(fmt::format("cannot open {}, where the control socket is to be", directory),
                      errno);
  }
  if (flock(fd.get(), LOCK_EX) != 0) throw errno_error("cannot lock " + directory, errno);
  return fd;
}

/// What is at the path may be replaced, or else this throws.
void require_replaceable(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    throw errno_error("cannot look at " + path, errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    throw Error(
        fmt::format("{} is there already and is no socket; give another path with --control", path),
        ExitCode::kUsage);
  }
  if (ControlSocket::is_live(path)) {
    throw Error(fmt::format("another process listens on the control socket {}; give another path "
                            "with --control, or --control none",
                            path),
                ExitCode::kUsage);
  }
}

}  // namespace

bool ControlSocket::is_live(const std::string& path) {
  const sockaddr_un address = address_of(path);
  const Fd socket = unix_socket();
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return true;
  }
  // Refused means that nobody listens any more; anything else, such as a full
  // queue, that somebody does.
  return errno != ECONNREFUSED && errno != ENOENT;
}

ControlSocket::ControlSocket(std::string path, gid_t group)
    : path_(std::move(path)), socket_(unix_socket()) {
  // Made under another name and then moved, so that nobody meets it half-made.
  const std::string made = fmt::format("{}.{}", path_, getpid());
  const sockaddr_un address = address_of(made);
  const Fd lock = lock_directory(path_);
  require_replaceable(path_);
  unlink(made.c_str());
  // bind() gives the file the mode of the socket, less the umask: nobody else can
  // connect before the group is right, and no umask of ours is needed for it.
  if (fchmod(socket_.get(), 0600) != 0 ||
      bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw errno_error("cannot make the control socket " + path_, errno);
  }
  struct stat status {};
  if (lchown(made.c_str(), static_cast<uid_t>(-1), group) != 0 || chmod(made.c_str(), 0660) != 0 ||
      lstat(made.c_str(), &status) != 0 || listen(socket_.get(), kBacklog) != 0 ||
      rename(made.c_str(), path_.c_str()) != 0) {
    const int error_number = errno;
    unlink(made.c_str());
    throw errno_error("cannot make the control socket " + path_, error_number);
  }
  inode_ = status.st_ino;
  device_ = status.st_dev;
}

ControlSocket::~ControlSocket() {
  struct stat status {};
  if (lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_ && status.st_dev == device_) {
    unlink(path_.c_str());
  }
}

void remove_dead_control_sockets(const std::string& interface) {
  const std::string start = interface + ".";
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kControlDirectory, error)) {
    const std::string file = entry.path().filename();
    if (file.starts_with(start) && file.ends_with(".sock") && entry.is_socket(error) &&
        !ControlSocket::is_live(entry.path())) {
      unlink(entry.path().c_str());
    }
  }
}

std::string default_control_path(const std::string& interface) {
  std::error_code error;
  std::filesystem::create_directories(kControlDirectory, error);
  // A umask may have kept others out, whose group lets them in.
  if (!error) {
    std::filesystem::permissions(kControlDirectory, std::filesystem::perms(0755), error);
  }
  if (error) throw errno_error(fmt::format("cannot make {}", kControlDirectory), error.value());
  std::string path = fmt::format("{}/{}.sock", kControlDirectory, interface);
  remove_dead_control_sockets(interface);
  if (!ControlSocket::is_live(path)) return path;
  return fmt::format("{}/{}.{}.sock", kControlDirectory, interface, getpid());
}

}  // namespace afxfw
