#include "loading/rule_loader.h"

#include <utility>

#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

namespace afxfw {

namespace {

std::vector<ListText> read_lists(const std::vector<std::string>& files) {
  std::vector<ListText> texts;
  texts.reserve(files.size());
  for (const std::string& file : files) texts.push_back({file, read_file(file)});
  return texts;
}

}  // namespace

std::unique_ptr<const RuleSet> load_rules(const RuleFiles& files, std::uint64_t generation) {
  RuleSetSources sources;
  sources.allowlists = read_lists(files.allowlists);
  sources.blocklists = read_lists(files.blocklists);
  sources.list_options.skip_bad_lines = files.skip_bad_lines;
  auto compiled = compile(sources, generation);
  if (!compiled) throw Error(to_string(compiled.error()), ExitCode::kUsage);
  if (!compiled->skipped.empty()) {
    log_warn("{} bad lines left out of the lists:\n{}", compiled->skipped.total(),
             to_string(compiled->skipped));
  }
  if (compiled->host_bits_lines != 0) {
    log_warn("{} entries have bits set beyond their prefix length; the whole network was taken",
             compiled->host_bits_lines);
  }
  return std::move(compiled->rules);
}

}  // namespace afxfw
