#include "engine/instance_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "util/error.h"

namespace afxfw {

namespace {

constexpr const char* kDirectory = "/run/afxfw";

/// Interfaces of the same name in two network namespaces are two interfaces.
std::string lock_path(const std::string& interface) {
  struct stat status {};
  if (stat("/proc/thread-self/ns/net", &status) != 0) {
    throw errno_error("cannot identify the network namespace", errno);
  }
  return fmt::format("{}/{}.netns-{}.lock", kDirectory, interface, status.st_ino);
}

std::string read_holder(int file) {
  std::array<char, 32> text{};
  const ssize_t length = pread(file, text.data(), text.size() - 1, 0);
  std::string pid(text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid.empty() ? "unknown" : pid;
}

bool still_at(const std::string& path, int file) {
  struct stat by_path {};
  struct stat by_file {};
  return stat(path.c_str(), &by_path) == 0 && fstat(file, &by_file) == 0 &&
         by_path.st_ino == by_file.st_ino;
}

}  // namespace

InstanceLock::InstanceLock(const std::string& interface) : path_(lock_path(interface)) {
  if (mkdir(kDirectory, 0755) != 0 && errno != EEXIST) {
    throw errno_error(fmt::format("cannot create {}", kDirectory), errno);
  }
  do {
    file_ = Fd(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file_) throw errno_error("cannot open the lock file " + path_, errno);
    if (flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) throw errno_error("cannot lock " + path_, errno);
      const std::string pid = read_holder(file_.get());
      throw Error(fmt::format("{} is already filtered by the afxfw with pid {}; stop that one first "
                              "(kill {})",
                              interface, pid, pid));
    }
    // The last owner removes the file: what we locked may no longer be there.
  } while (!still_at(path_, file_.get()));
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(file_.get(), 0) != 0 ||
      pwrite(file_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    throw errno_error("cannot write " + path_, errno);
  }
}

InstanceLock::~InstanceLock() {
  unlink(path_.c_str());
  rmdir(kDirectory);  // succeeds for the last one only
}

}  // namespace afxfw
