#include "loading/rule_loader.h"

#include <fmt/format.h>
#include <glob.h>

#include <string_view>
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

/// Where nft looks for what `include` names without a directory.
constexpr std::string_view kIncludeDirectory = "/etc/";

bool is_pattern(std::string_view path) noexcept {
  return path.find_first_of("*?[") != std::string_view::npos;
}

std::vector<std::string> files_matching(const std::string& pattern) {
  glob_t matches = {};
  std::vector<std::string> files;
  if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
    files.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  }
  ::globfree(&matches);
  return files;
}

/// As nft: "./" and "../" count from the working directory, and a pattern may match
/// nothing.
tl::expected<std::vector<nft::SourceFile>, std::string> read_include(const std::string& path) {
  const bool as_it_is = path.starts_with('/') || path.starts_with("./") || path.starts_with("../");
  const std::string full = as_it_is ? path : std::string(kIncludeDirectory) + path;
  std::vector<nft::SourceFile> files;
  try {
    for (const std::string& file :
         is_pattern(full) ? files_matching(full) : std::vector<std::string>{full}) {
      files.push_back({file, read_file(file)});
    }
  } catch (const Error& error) {
    return tl::unexpected(std::string(error.what()));
  }
  return files;
}

std::pair<std::string, ListText> read_set_list(const std::string& option) {
  const std::size_t equals = option.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == option.size()) {
    throw Error(fmt::format("--set is '{}', but must be NAME=FILE", option), ExitCode::kUsage);
  }
  const std::string file = option.substr(equals + 1);
  return {option.substr(0, equals), ListText{file, read_file(file)}};
}

}  // namespace

RuleSet::Parts load_parts(const RuleFiles& files) {
  RuleSetSources sources;
  sources.allowlists = read_lists(files.allowlists);
  sources.blocklists = read_lists(files.blocklists);
  sources.list_options.skip_bad_lines = files.skip_bad_lines;
  if (files.rules) sources.rules = nft::SourceFile{*files.rules, read_file(*files.rules)};
  sources.include = read_include;
  for (const std::string& option : files.set_lists) {
    sources.set_lists.push_back(read_set_list(option));
  }
  auto parsed = parse(sources);
  if (!parsed) throw Error(to_string(parsed.error()), ExitCode::kUsage);
  if (!parsed->skipped.empty()) {
    log_warn("{} bad lines left out of the lists:\n{}", parsed->skipped.total(),
             to_string(parsed->skipped));
  }
  if (parsed->host_bits_lines != 0) {
    log_warn("{} entries have bits set beyond their prefix length; the whole network was taken",
             parsed->host_bits_lines);
  }
  return std::move(parsed->parts);
}

std::unique_ptr<const RuleSet> build_rules(std::uint64_t generation, const RuleSet::Parts& parts) {
  auto rules = RuleSet::build(generation, parts);
  if (!rules) throw Error(to_string(rules.error()), ExitCode::kUsage);
  return std::move(*rules);
}

std::unique_ptr<const RuleSet> load_rules(const RuleFiles& files, std::uint64_t generation,
                                          const RuleSet* previous) {
  RuleSet::Parts parts = load_parts(files);
  parts.previous = previous;
  return build_rules(generation, parts);
}

}  // namespace afxfw
