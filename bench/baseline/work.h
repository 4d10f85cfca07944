#pragma once

#include <memory>

#include "options.h"
#include "util/json.h"

namespace afxfw::bench {

/// A mode at work, from construction until destruction, which leaves the
/// interface as it was.
class Work {
 public:
  virtual ~Work() = default;
  /// What it has done so far. Any thread.
  [[nodiscard]] virtual Json report() const = 0;
};

/// Throws Error. Needs what afxfw needs.
[[nodiscard]] std::unique_ptr<Work> start_work(const Options& options);

}  // namespace afxfw::bench
