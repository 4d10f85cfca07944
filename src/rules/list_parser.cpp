#include "rules/list_parser.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace afxfw {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kBlanks = " \t\r";

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

// Reads one line, which holds no LF, and adds its entry, if any. Returns what is
// wrong with it.
std::optional<LineError> parse_line(std::string_view line, ParsedList& list) {
  const std::string_view content = line.substr(0, line.find_first_of("#;"));
  const std::size_t start = content.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return std::nullopt;

  if (const std::size_t nul = content.find('\0'); nul != std::string_view::npos) {
    return LineError{nul, content.substr(start), "NUL byte; the file is binary, or text in UTF-16"};
  }
  const std::size_t end = std::min(content.find_first_of(kBlanks, start), content.size());
  const std::string_view entry = content.substr(start, end - start);
  if (entry.size() > kMaxEntryBytes) {
    return LineError{start, entry, "too long for an address or prefix"};
  }
  const auto parsed = parse_prefix(entry);
  if (!parsed) {
    return LineError{start + parsed.error().offset, entry, parsed.error().what};
  }
  if (const std::size_t rest = content.find_first_not_of(kBlanks, end);
      rest != std::string_view::npos) {
    const std::size_t rest_end = content.find_last_not_of(kBlanks) + 1;
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
