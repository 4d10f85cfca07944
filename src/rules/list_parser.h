#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

#include "net/prefix.h"
#include "util/text_error.h"

namespace afxfw {

struct ListOptions {
  /// Leave bad lines out instead of refusing the list.
  bool skip_bad_lines = false;
};

struct ParsedList {
  std::vector<Prefix> prefixes;     ///< in the file's order, duplicates kept
  std::size_t host_bits_lines = 0;  ///< lines like 198.51.100.7/24, taken as 198.51.100.0/24
  TextErrors skipped;               ///< with skip_bad_lines: the lines left out
};

/// Reads a plain list: one address or prefix a line, IPv4 and IPv6 mixed, blanks
/// around it, '#' or ';' starting a comment on a line of its own or after an
/// entry; lines end in LF or CRLF, the last one need not; a UTF-8 byte order mark
/// is skipped. FireHOL's .ipset and .netset files and Spamhaus' DROP lists in text
/// form are such files. See parse_prefix for what an entry may look like.
///
/// The result is the list, or every line that is wrong with its reason.
/// file_name is only used in errors.
[[nodiscard]] tl::expected<ParsedList, TextErrors> parse_list(std::string_view text,
                                                              std::string_view file_name,
                                                              ListOptions options = {});

}  // namespace afxfw
