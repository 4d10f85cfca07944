#include "rules/list_parser.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace afxfw {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// The longest entry: "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128".
constexpr std::size_t kMaxEntryBytes = 49;

// Characters of a typical line, "198.51.100.0/24\n": a first guess at how many
// there are, which saves most of the vector's growing.
constexpr std::size_t kTypicalLineBytes = 16;

// The details of an error are cut for display anyway; this bounds what is kept.
constexpr std::size_t kMaxErrorTextBytes = 80;

struct LineError {
  std::size_t offset;     // from the start of the line
  std::string_view text;  // the offending part of the line
  std::string_view what;
};

// Predicates rather than string_view::find_first_of, which calls memchr for each
// character: half of the time a list takes.
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }
constexpr bool is_no_blank(char c) noexcept { return !is_blank(c); }
constexpr bool is_comment_start(char c) noexcept { return c == '#' || c == ';'; }

// Where the first character that `predicate` holds for is, or the end.
std::size_t find(std::string_view text, bool (*predicate)(char), std::size_t from = 0) noexcept {
  const auto begin = text.begin() + static_cast<std::ptrdiff_t>(from);
  return static_cast<std::size_t>(std::find_if(begin, text.end(), predicate) - text.begin());
}

// Reads one line, which holds no LF, and adds its entry, if any. Returns what is
// wrong with it.
std::optional<LineError> parse_line(std::string_view line, ParsedList& list) {
  const std::string_view content = line.substr(0, find(line, is_comment_start));
  const std::size_t start = find(content, is_no_blank);
  if (start == content.size()) return std::nullopt;

  if (const std::size_t nul = content.find('\0'); nul != std::string_view::npos) {
    return LineError{nul, content.substr(start), "NUL byte; the file is binary, or text in UTF-16"};
  }
  const std::size_t end = find(content, is_blank, start);
  const std::string_view entry = content.substr(start, end - start);
  if (entry.size() > kMaxEntryBytes) {
    return LineError{start, entry, "too long for an address or prefix"};
  }
  const auto parsed = parse_prefix(entry);
  if (!parsed) {
    return LineError{start + parsed.error().offset, entry, parsed.error().what};
  }
  if (const std::size_t rest = find(content, is_no_blank, end); rest < content.size()) {
    const std::size_t rest_end = content.find_last_not_of(" \t\r") + 1;
    return LineError{rest, content.substr(rest, rest_end - rest),
                     "unexpected text after the address; one entry a line"};
  }
  list.prefixes.push_back(parsed->prefix);
  if (parsed->host_bits_set) ++list.host_bits_lines;
  return std::nullopt;
}

}  // namespace

tl::expected<ParsedList, TextErrors> parse_list(std::string_view text, std::string_view file_name,
                                                ListOptions options) {
  // Columns count from the line's first byte, which an editor shows after the mark.
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());

  ParsedList list;
  list.prefixes.reserve(text.size() / kTypicalLineBytes);
  TextErrors errors;
  for (std::size_t line_number = 1; !text.empty(); ++line_number) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));

    if (const auto error = parse_line(line, list)) {
      errors.add({.source = std::string(file_name),
                  .line = line_number,
                  .column = error->offset + 1,
                  .text = std::string(error->text.substr(0, kMaxErrorTextBytes)),
                  .what = std::string(error->what)});
    }
  }
  if (errors.empty()) return list;
  if (!options.skip_bad_lines) return tl::unexpected(std::move(errors));
  list.skipped = std::move(errors);
  return list;
}

}  // namespace afxfw
