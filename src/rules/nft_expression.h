#pragma once

#include <vector>

#include "rules/nft_ast.h"
#include "rules/nft_token_stream.h"

namespace afxfw::nft {

/// A part of a set's key: how its values are written.
struct KeyPart {
  Type type;
  unsigned bits;
};
using Key = std::vector<KeyPart>;

/// What elements may have besides their key.
struct ElementOptions {
  bool intervals = false;  ///< prefixes and ranges
  bool timeouts = false;
  bool comments = false;
  bool counters = false;
};

/// "{ ELEMENT, ELEMENT … }", or a variable that holds it.
[[nodiscard]] std::vector<Element> parse_elements(TokenStream& tokens, const Key& key,
                                                  const ElementOptions& options);

/// A value, prefix or range. With flags (Type::kTcpFlags), also several of them
/// joined by "|" or ",".
[[nodiscard]] Interval parse_interval(TokenStream& tokens, const KeyPart& part);

/// A match; the stream is at its header, such as "ip".
[[nodiscard]] Match parse_match(TokenStream& tokens);

/// "30s", "5m30s", "1d2h": in seconds.
[[nodiscard]] std::uint64_t parse_time(TokenStream& tokens);

/// A number up to `most`. what: for the error.
[[nodiscard]] std::uint64_t parse_number(TokenStream& tokens, std::string_view what,
                                         std::uint64_t most);

/// A comment's text.
[[nodiscard]] std::string parse_comment(TokenStream& tokens);

}  // namespace afxfw::nft
