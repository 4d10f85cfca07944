#pragma once

#include <boost/program_options.hpp>

#include "afxfw_abi.h"
#include "loading/rule_loader.h"

namespace afxfw {

/// Adds the options that say what is dropped, which mean the same to every
/// program that judges packets: --blocklist, --allowlist, --rules, --set,
/// --skip-bad-lines, --inline-drop.
void add_rule_options(boost::program_options::options_description& group);

/// The files that those options name.
[[nodiscard]] RuleFiles rule_files(const boost::program_options::variables_map& variables);

/// --inline-drop, with the fallback "pass". Throws Error (kUsage) with all that
/// is wrong.
[[nodiscard]] afxfw_inline_policy inline_policy(
    const boost::program_options::variables_map& variables);

}  // namespace afxfw
