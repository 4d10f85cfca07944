#pragma once

#include <cstdint>
#include <string>

#include "util/json.h"

namespace afxfw {

// Fields of an answer, read without exceptions whatever it holds: what is missing, or is
// something else, is 0, empty or an empty object.
[[nodiscard]] std::uint64_t number(const Json& json, const char* name);
[[nodiscard]] double real(const Json& json, const char* name);
[[nodiscard]] std::string text(const Json& json, const char* name);
/// Valid as long as json is.
[[nodiscard]] const Json& member(const Json& json, const char* name);
[[nodiscard]] bool flag(const Json& json, const char* name);

}  // namespace afxfw
