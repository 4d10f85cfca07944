#pragma once

#include "rules/nft_ast.h"
#include "util/text_error.h"

namespace afxfw::nft {

/// What can only be seen when all of a table has been read: that names refer to
/// something of the right kind, that chains do not call each other in circles,
/// that a rule's matches can go together, that elements do not overlap where
/// nftables forbids it. Adds what is wrong to errors.
void check(const Table& table, TextErrors& errors);

}  // namespace afxfw::nft
