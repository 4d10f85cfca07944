#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace afxfw {

/// Members stay in the order in which they were added.
using Json = nlohmann::ordered_json;

// Not by Json's own parse() and dump(): each file that calls these compiles them anew, for seconds.

/// What is no JSON gives a discarded value (Json::is_discarded()); nothing is thrown.
[[nodiscard]] Json parse_json(std::string_view text);

/// On one line, without a newline at its end. Bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string json_text(const Json& json);

/// The same in ASCII: control characters of Unicode are not for terminals.
[[nodiscard]] std::string ascii_json_text(const Json& json);

}  // namespace afxfw
