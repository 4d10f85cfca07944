#pragma once

#include <string>
#include <string_view>

namespace afxfw {

/// Text from elsewhere (a file's name, its contents) for a terminal: bytes that
/// aren't printable ASCII come out as \xNN, so that none is a control sequence.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace afxfw
