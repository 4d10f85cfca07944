#pragma once

#include <string>

#include "engine/snapshot.h"
#include "util/json.h"

namespace afxfw {

/// One line of JSON, without a newline: the shape that `afxfwctl status --json`
/// and `afxfw --json` share. Names in it are stable; new ones may be added.
[[nodiscard]] Json status_json(const Snapshot& snapshot);
[[nodiscard]] std::string to_json(const Snapshot& snapshot);

}  // namespace afxfw
