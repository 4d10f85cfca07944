#include "engine/instance_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "util/error.h"

namespace afxfw {

namespace {

constexpr const char* kDirectory = "/run/afxfw";

/// Of creating the file. Each further one takes another afxfw that ends at the
/// wrong moment.
constexpr int kMaxAttempts = 100;

/// By what no other interface has or will have until the machine boots again,
/// when /run is empty: unlike the index, the name may change, and unlike the
/// cookie, the inode of a network namespace is given to another one later.
std::string lock_path(int ifindex) {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  if (!socket || getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) != 0) {
    throw errno_error("cannot identify the network namespace", errno);
  }
  return fmt::format("{}/netns-{}-interface-{}.lock", kDirectory, cookie, ifindex);
}

/// The file's lines: the owner's pid, then what it noted.
std::vector<std::string> read_lines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

void append_line(const Fd& file, const std::string& path, const std::string& line) {
  const std::string text = line + "\n";
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw errno_error("cannot write " + path, errno);
  }
}

bool still_at(const std::string& path, int file) {
  struct stat by_path {};
  struct stat by_file {};
  return stat(path.c_str(), &by_path) == 0 && fstat(file, &by_file) == 0 &&
         by_path.st_ino == by_file.st_ino;
}

/// Another interface's owner, on leaving, may remove the directory in between.
Fd open_lock_file(const std::string& path) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    std::error_code error;
    std::filesystem::create_directories(kDirectory, error);
    if (error) throw errno_error(fmt::format("cannot create {}", kDirectory), error.value());
    Fd file(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (file) return file;
    if (errno != ENOENT) break;
  }
  throw errno_error("cannot open the lock file " + path, errno);
}

}  // namespace

InstanceLock::InstanceLock(const Link& link) : path_(lock_path(link.ifindex)) {
  do {
    file_ = open_lock_file(path_);
    if (flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) throw errno_error("cannot lock " + path_, errno);
      const auto lines = read_lines(path_);
      const std::string pid = lines.empty() ? "unknown" : lines.front();
      throw Error(
          fmt::format("{} is already filtered by the afxfw with pid {}; stop that one first "
                      "(kill {})",
                      link.name, pid, pid));
    }
    // The last owner removes the file: what we locked may no longer be there.
  } while (!still_at(path_, file_.get()));
  left_behind_ = read_lines(path_);
  if (!left_behind_.empty()) left_behind_.erase(left_behind_.begin());
  if (ftruncate(file_.get(), 0) != 0) throw errno_error("cannot write " + path_, errno);
  append_line(file_, path_, std::to_string(getpid()));
}

void InstanceLock::note(const std::string& change) { append_line(file_, path_, change); }

InstanceLock::~InstanceLock() {
  unlink(path_.c_str());
  rmdir(kDirectory);  // succeeds for the last one only
}

}  // namespace afxfw
