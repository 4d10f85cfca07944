#include "util/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "util/error.h"
#include "util/fd.h"

namespace afxfw {
namespace {

// Not errno_error(): what a denied file needs is a file permission, not one of
// afxfw's capabilities.
Error file_error(const std::string& path, const char* operation, int error_number) {
  return Error(fmt::format("cannot {} '{}': {}", operation, path,
                           std::generic_category().message(error_number)),
               ExitCode::kUsage);
}

Error too_large(const std::string& path, std::size_t max_bytes) {
  return Error(fmt::format("'{}' is larger than the limit of {} bytes", path, max_bytes),
               ExitCode::kUsage);
}

}  // namespace

std::string read_file(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO without a writer returns, to be refused below.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw file_error(path, "open", errno);

  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) throw file_error(path, "stat", errno);
  if (S_ISDIR(status.st_mode)) {
    throw Error(fmt::format("'{}' is a directory, not a file", path), ExitCode::kUsage);
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(fmt::format("'{}' is not a regular file; a pipe or device cannot be read again "
                            "when rules are reloaded",
                            path),
                ExitCode::kUsage);
  }
  const auto expected_size = static_cast<std::size_t>(status.st_size);
  if (expected_size > max_bytes) throw too_large(path, max_bytes);

  // One byte more than expected, so that the end is seen without growing; a file
  // that is being written to, or that has no size (/proc), grows the buffer.
  std::string contents(expected_size + 1, '\0');
  std::size_t used = 0;
  for (;;) {
    if (used == contents.size()) contents.resize(contents.size() * 2);
    const ssize_t count = ::read(fd.get(), contents.data() + used, contents.size() - used);
    if (count < 0) {
      if (errno == EINTR) continue;
      throw file_error(path, "read", errno);
    }
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
    if (used > max_bytes) throw too_large(path, max_bytes);
  }
  contents.resize(used);
  return contents;
}

void write_file_atomically(const std::string& path, std::string_view contents) {
  const std::string temporary = path + ".new";
  const auto fail = [&](const char* operation) {
    const int error_number = errno;
    ::unlink(temporary.c_str());
    throw Error(fmt::format("cannot {} '{}': {}", operation, path,
                            std::generic_category().message(error_number)));
  };
  ::unlink(temporary.c_str());
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) fail("write");
  while (!contents.empty()) {
    const ssize_t count = ::write(fd.get(), contents.data(), contents.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write");
    contents.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(fd.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) fail("write");
  const std::size_t slash = path.find_last_of('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent || ::fsync(parent.get()) != 0) fail("write");
}

}  // namespace afxfw
