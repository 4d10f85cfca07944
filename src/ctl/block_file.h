#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "util/error.h"
#include "util/fd.h"

namespace afxfw {

/// A pcapng file that grows while it is captured, and ends with a whole block at any
/// time, also when the disk is full: what did not get there as a whole is cut off.
class BlockFile {
 public:
  /// "-": standard output. Others are overwritten or made, then for their owner alone:
  /// what is in packets is nobody else's business. Throws Error (kUsage).
  explicit BlockFile(const std::string& path);

  /// blocks: whole ones. Waits for a pipe's reader, if it is slow. Returns how many bytes
  /// of them got there as whole blocks. Not all: nothing more can be written, and error()
  /// says why.
  [[nodiscard]] std::size_t write(std::string_view blocks);

  /// Nothing: a pipe's reader has gone, or a signal came while it was waited for.
  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }

  /// For poll(): POLLERR when a pipe's reader has gone.
  [[nodiscard]] int fd() const noexcept { return file_.get(); }

 private:
  void fail(int error_number);

  std::string name_;  // for messages
  Fd file_;
  bool regular_ = false;
  std::uint64_t length_ = 0;  // of the whole blocks that are there
  std::optional<Error> error_;
};

}  // namespace afxfw
