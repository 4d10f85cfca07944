#include "ctl/block_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "ctl/pcapng.h"
#include "util/error.h"

namespace afxfw {

namespace {

constexpr mode_t kMode = 0600;

std::string reason(int error_number) { return std::generic_category().message(error_number); }

}  // namespace

BlockFile::BlockFile(const std::string& path)
    : name_(path == "-" ? "standard output" : fmt::format("'{}'", path)),
      file_(path == "-"
                ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                : open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, kMode)) {
  if (!file_) {
    throw Error(fmt::format("cannot write {}: {}", name_, reason(errno)), ExitCode::kUsage);
  }
  struct stat status {};
  // Standard output may be a file that somebody else writes into, too.
  regular_ = path != "-" && fstat(file_.get(), &status) == 0 && S_ISREG(status.st_mode);
}

std::size_t BlockFile::write(std::string_view blocks) {
  std::size_t written = 0;
  while (written < blocks.size()) {
    const ssize_t count = ::write(file_.get(), blocks.data() + written, blocks.size() - written);
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
      continue;
    }
    const int error_number = errno;
    const std::size_t whole = pcapng::whole_blocks(blocks, written);
    length_ += whole;
    if (error_number != EPIPE && error_number != EINTR) fail(error_number);
    return whole;
  }
  length_ += blocks.size();
  return written;
}

void BlockFile::fail(int error_number) {
  std::string kept;
  // Otherwise readers would stumble over a piece of a block at the end.
  if (regular_ && ftruncate(file_.get(), static_cast<off_t>(length_)) == 0 &&
      lseek(file_.get(), 0, SEEK_END) >= 0) {
    kept = "; what it holds is whole and can be read";
  }
  error_.emplace(fmt::format("cannot write {}: {}{}", name_, reason(error_number), kept));
}

}  // namespace afxfw
