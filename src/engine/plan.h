#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/options.h"
#include "worker/worker.h"
#include "xsk/link.h"

namespace afxfw {

/// What starting would do, found out without changing anything.
struct Plan {
  Link link;
  std::optional<Link> device;          ///< of --reinject dev:
  std::vector<WorkerOptions> workers;  ///< one a queue; for --reinject stack without its interface
  std::vector<std::string> warnings;
};

/// Looks at the interface and checks every option against it: kind, link, MTU,
/// queues, CPUs, reinjection target. Throws Error that says what to change.
[[nodiscard]] Plan make_plan(const EngineOptions& options);

}  // namespace afxfw
