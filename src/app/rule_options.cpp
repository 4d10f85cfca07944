#include "app/rule_options.h"

#include <string>
#include <vector>

#include "app/command_line.h"
#include "rules/inline_policy.h"
#include "util/error.h"

namespace afxfw {

namespace po = boost::program_options;

void add_rule_options(po::options_description& group) {
  group.add_options()("blocklist,b",
                      po::value<std::vector<std::string>>()->composing()->value_name("FILE"),
                      "drop packets from these addresses and prefixes; may be repeated")(
      "allowlist,a", po::value<std::vector<std::string>>()->composing()->value_name("FILE"),
      "accept packets from these, also if they are on a blocklist; may be repeated")(
      "rules,r", po::value<std::string>()->value_name("FILE"),
      "rules in nftables' language, asked after the lists; see afxfw-rules(5)")(
      "set", po::value<std::vector<std::string>>()->composing()->value_name("NAME=FILE"),
      "add a list's addresses to a set of the rules; may be repeated")(
      "skip-bad-lines", po::bool_switch(), "leave bad lines of the lists out, with a warning")(
      "inline-drop",
      po::value<std::string>()->default_value(std::string(kDefaultInlineDrop))->value_name("LIST"),
      "what XDP drops itself, before the lists: protocols and destination ports, such as "
      "udp,tcp/80 or udp/53,tcp/8000-8080, or none");
}

RuleFiles rule_files(const po::variables_map& variables) {
  RuleFiles files;
  files.allowlists = strings(variables, "allowlist");
  files.blocklists = strings(variables, "blocklist");
  if (variables.count("rules") != 0) files.rules = variables["rules"].as<std::string>();
  files.set_lists = strings(variables, "set");
  files.skip_bad_lines = variables["skip-bad-lines"].as<bool>();
  return files;
}

afxfw_inline_policy inline_policy(const po::variables_map& variables) {
  const auto policy = parse_inline_policy(variables["inline-drop"].as<std::string>());
  if (!policy) throw Error(to_string(policy.error()), ExitCode::kUsage);
  return *policy;
}

}  // namespace afxfw
