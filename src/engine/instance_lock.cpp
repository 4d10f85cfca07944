#include "engine/instance_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

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

}  // namespace

InstanceLock::InstanceLock(const std::string& interface) : path_(lock_path(interface)) {
  if (std::error_code error; !std::filesystem::create_directories(kDirectory, error) && error) {
    throw errno_error(fmt::format("cannot create {}", kDirectory), error.value());
  }
  do {
    file_ = Fd(open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!file_) throw errno_error("cannot open the lock file " + path_, errno);
    if (flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) throw errno_error("cannot lock " + path_, errno);
      const auto lines = read_lines(path_);
      const std::string pid = lines.empty() ? "unknown" : lines.front();
      throw Error(fmt::format("{} is already filtered by the afxfw with pid {}; stop that one first "
                              "(kill {})",
                              interface, pid, pid));
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
