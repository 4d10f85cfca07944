#include "replay/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include "util/fd.h"

namespace afxfw {
namespace {

Error open_error(const std::string& path, int error_number) {
  return Error(
      fmt::format("cannot write '{}': {}", path, std::generic_category().message(error_number)),
      ExitCode::kUsage);
}

std::string resolved(const std::string& path) {
  struct Free {
    void operator()(char* text) const noexcept { std::free(text); }
  };
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  return real ? real.get() : path;
}

/// What a file that open() makes would have.
mode_t default_mode() noexcept {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path) {
  Fd fd;
  struct stat existing = {};
  const bool exists = path != "-" && ::stat(path.c_str(), &existing) == 0;
  if (path == "-") {
    fd = Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  } else if (exists && !S_ISREG(existing.st_mode)) {
    fd = Fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  } else {
    target_ = resolved(path);
    temporary_ = target_ + ".XXXXXX";
    fd = Fd(::mkostemp(temporary_.data(), O_CLOEXEC));
    if (!fd) temporary_.clear();
  }
  if (!fd) throw open_error(path, errno);
  if (!temporary_.empty()) ::fchmod(fd.get(), exists ? existing.st_mode & 07777 : default_mode());
  stream_ = ::fdopen(fd.release(), "wb");
  if (stream_ == nullptr) throw std::bad_alloc();  // the only reason there is
}

OutputFile::~OutputFile() {
  if (stream_ != nullptr) std::fclose(stream_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

std::FILE* OutputFile::release() noexcept { return std::exchange(stream_, nullptr); }

void OutputFile::commit() {
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw write_error();
  temporary_.clear();
}

Error OutputFile::write_error() const {
  return Error(fmt::format("cannot write '{}': {}", path_, std::generic_category().message(errno)));
}

}  // namespace afxfw
