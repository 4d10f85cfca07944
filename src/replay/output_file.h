#pragma once

#include <cstdio>
#include <string>

#include "util/error.h"

namespace afxfw {

/// A file in the making: under another name beside the one asked for until
/// commit(), so that nobody sees half of it and a failure leaves what was there
/// before. Pipes and devices are written to as they are; "-" is standard output.
class OutputFile {
 public:
  /// Throws Error (kUsage) if it cannot be made.
  explicit OutputFile(const std::string& path);
  /// Removes what was not committed. Closes the stream unless it was released.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// The stream, for the caller to close before commit().
  [[nodiscard]] std::FILE* release() noexcept;

  /// Gives the file its name. Throws Error.
  void commit();

  /// As the user wrote it.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// For a failed write, by errno.
  [[nodiscard]] Error write_error() const;

 private:
  std::string path_;
  std::string target_;     ///< where symbolic links lead
  std::string temporary_;  ///< empty: none, or committed
  std::FILE* stream_ = nullptr;
};

}  // namespace afxfw
