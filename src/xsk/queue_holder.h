#pragma once

#include <string>

namespace afxfw {

/// Names the processes that have socket rings mapped, as users of AF_XDP do,
/// for the message about a busy queue: " (probably by NAME, pid N)", or "" when
/// none can be seen. The kernel's own answer (sock_diag for AF_XDP) is often
/// not built in, and gives no pid. Reads /proc; slow, for error paths only.
[[nodiscard]] std::string describe_queue_holders();

}  // namespace afxfw
