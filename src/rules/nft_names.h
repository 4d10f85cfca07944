#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rules/nft_token_stream.h"

namespace afxfw::nft {

/// A name for a table, chain, set or variable: begins with a letter, and is not a
/// word of nftables' language. what: for the error. Throws SyntaxError.
[[nodiscard]] std::string parse_name(TokenStream& tokens, std::string_view what);

/// Why something that nftables has cannot be in afxfw, and what to write instead;
/// "": the word means nothing to either.
[[nodiscard]] std::string_view why_unsupported(std::string_view word) noexcept;

}  // namespace afxfw::nft
