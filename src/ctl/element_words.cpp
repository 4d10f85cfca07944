#include "ctl/element_words.h"

#include <array>
#include <charconv>
#include <utility>

namespace afxfw {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Where a character stands outside of quotes, or npos.
std::size_t find_unquoted(std::string_view text, char wanted) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == wanted && !quoted) return i;
  }
  return std::string_view::npos;
}

}  // namespace

tl::expected<std::vector<std::string>, std::string> split_elements(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('{') != text.ends_with('}')) {
    return tl::unexpected(std::string("the braces around the elements do not match"));
  }
  if (text.starts_with('{')) text = trimmed(text.substr(1, text.size() - 2));
  std::vector<std::string> elements;
  while (!text.empty()) {
    const std::size_t comma = find_unquoted(text, ',');
    const std::string_view element = trimmed(text.substr(0, comma));
    if (element.empty()) return tl::unexpected(std::string("there is nothing between two commas"));
    elements.emplace_back(element);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return elements;
}

std::vector<std::string> element_lines(std::string_view text) {
  std::vector<std::string> elements;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::string_view element = trimmed(line.substr(0, find_unquoted(line, '#')));
    if (!element.empty()) elements.emplace_back(element);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return elements;
}

std::optional<std::uint64_t> parse_duration_s(std::string_view text) {
  constexpr std::array<std::pair<char, std::uint64_t>, 4> kUnits = {
      {{'d', 86'400}, {'h', 3'600}, {'m', 60}, {'s', 1}}};
  std::uint64_t seconds = 0;
  std::size_t next_unit = 0;  // units come from the largest to the smallest
  const char* position = text.data();
  const char* const end = position + text.size();
  while (position != end) {
    std::uint32_t number = 0;
    const auto [after, error] = std::from_chars(position, end, number);
    if (error != std::errc{}) return std::nullopt;
    const bool bare = after == end && position == text.data();
    position = after;
    const char unit = bare ? 's' : position == end ? '\0' : *position++;
    while (next_unit < kUnits.size() && kUnits[next_unit].first != unit) ++next_unit;
    if (next_unit == kUnits.size()) return std::nullopt;
    seconds += number * kUnits[next_unit++].second;
  }
  if (seconds == 0) return std::nullopt;
  return seconds;
}

}  // namespace afxfw
