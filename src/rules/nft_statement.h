#pragma once

#include "rules/nft_ast.h"
#include "rules/nft_token_stream.h"

namespace afxfw::nft {

/// A rule with all its statements; the stream is at its first word, and after
/// it at the separator that ends it. Throws SyntaxError.
[[nodiscard]] RuleText parse_rule(TokenStream& tokens);

}  // namespace afxfw::nft
