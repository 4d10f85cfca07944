#pragma once

#include <tl/expected.hpp>

#include <functional>
#include <string>
#include <vector>

#include "rules/nft_ast.h"
#include "util/text_error.h"

namespace afxfw::nft {

/// Reads what an `include "PATH"` names: one file, or all that a pattern matches,
/// in order. The error says why not.
using IncludeReader =
    std::function<tl::expected<std::vector<SourceFile>, std::string>(const std::string& path)>;

/// Reads rules in the subset of nftables' language that docs/rules.md describes:
/// one table of the netdev family. The result is the table, checked so that it
/// can be compiled, or everything that is wrong with it.
[[nodiscard]] tl::expected<Table, TextErrors> parse_rules(SourceFile file,
                                                          const IncludeReader& include);

}  // namespace afxfw::nft
