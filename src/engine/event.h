#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace afxfw {

/// Something that happened, for those who watch.
struct Event {
  std::string_view kind;  ///< such as "reload"; static storage; docs/control.md lists them
  std::string text;       ///< for a person; printable
  /// For programs, by name.
  std::vector<std::pair<std::string_view, std::string>> fields{};
};

using EventSink = std::function<void(const Event& event)>;

}  // namespace afxfw
