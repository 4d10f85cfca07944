#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace afxfw {

/// What stands behind "add element SET" on a command line: elements, separated by
/// commas, in braces or not. Quotes keep a comma. The error says what is wrong.
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> split_elements(
    std::string_view text);

/// The lines of a file with one element each; '#' starts a comment outside of quotes.
[[nodiscard]] std::vector<std::string> element_lines(std::string_view text);

/// "30s", "10m", "1h30m", "2d" or a number of seconds; nothing if it is none of these,
/// or 0.
[[nodiscard]] std::optional<std::uint64_t> parse_duration_s(std::string_view text);

}  // namespace afxfw
