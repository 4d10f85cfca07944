#pragma once

#include "rules/nft_ast.h"
#include "rules/nft_token_stream.h"

namespace afxfw::nft {

/// A set's declaration; the stream is behind the word "set". Throws SyntaxError.
[[nodiscard]] Set parse_set(TokenStream& tokens);

}  // namespace afxfw::nft
