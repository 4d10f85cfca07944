#pragma once

#include <string>
#include <vector>

#include "rules/nft_ast.h"
#include "rules/rule_set.h"

namespace afxfw {

/// What is allowed and hardly meant, each as a sentence with its place: rules that
/// can never match, because of their own matches or of an earlier rule that takes
/// all of their packets; and rules that drop ARP or neighbour discovery, without
/// which a host drops off its network. Not all that can never match is found: two
/// earlier rules that only together cover a later one are not.
[[nodiscard]] std::vector<std::string> find_warnings(const RuleSet& rules);

}  // namespace afxfw
