#include "util/error.h"

#include <cerrno>

namespace afxfw {

Error errno_error(const std::string& operation, int error_number, ExitCode code) {
  std::string text = operation + ": " + std::generic_category().message(error_number);
  if (error_number == EPERM || error_number == EACCES) {
    return Error(text +
                     "; run as root, or grant CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_IPC_LOCK "
                     "(or raise the memlock limit)",
                 ExitCode::kPrivilege);
  }
  return Error(text, code);
}

}  // namespace afxfw
