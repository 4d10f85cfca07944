#pragma once

#include <stdexcept>
#include <string>
#include <system_error>

namespace afxfw {

/// Exit codes of every program here; users script against them.
enum class ExitCode : int {
  kOk = 0,
  kRuntime = 1,      ///< a failure while running
  kUsage = 2,        ///< a bad option or a bad rule or list file
  kPrivilege = 3,    ///< a capability or limit is missing
  kUnsupported = 4,  ///< the interface or driver cannot do what was asked
};

/// What acquiring a resource throws. The text is one sentence that says what
/// failed and where, followed, if known, by what to do about it.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& text, ExitCode code = ExitCode::kRuntime)
      : std::runtime_error(text), code_(code) {}
  [[nodiscard]] ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// "OPERATION: TEXT OF ERRNO"; for EPERM and EACCES with the capabilities that
/// are missing, and ExitCode::kPrivilege.
[[nodiscard]] Error errno_error(const std::string& operation, int error_number,
                                ExitCode code = ExitCode::kRuntime);

}  // namespace afxfw
