#include "engine/rule_rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "util/error.h"

namespace afxfw {
namespace {

using Clock = std::chrono::steady_clock;

/// A filter for eth0 that silently runs on eth1 lets everything through on eth0.
void require_device(const RuleSet::Parts& parts, const std::string& interface) {
  if (!parts.table) return;
  const nft::Table& table = parts.table->table;
  const std::vector<std::string>& devices = table.base_chain()->base->devices;
  if (std::find(devices.begin(), devices.end(), interface) != devices.end()) return;
  throw Error(fmt::format("the rules of {} are for {}, and not for {}; name it in the chain: "
                          R"(devices = {{ "{}", "{}" }})",
                          table.files.front().name, fmt::join(devices, ", "), interface,
                          fmt::join(devices, "\", \""), interface),
              ExitCode::kUsage);
}

std::shared_ptr<const AddressTables> merged_if_large(std::shared_ptr<const AddressTables> tables) {
  if (!tables || tables->overlay_size() < kMergeRuns) return tables;
  return std::make_shared<const AddressTables>(tables->merged());
}

}  // namespace

std::unique_ptr<const RuleSet> RuleRebuild::run() {
  if (read_files) {
    base.loaded_at = Clock::now();
    base.parts = load_parts(base.files);
    require_device(base.parts, interface);
    changes.files_read_again();
  }
  RuleSet::Parts parts;
  parts.allow = merged_if_large(changed(base.parts.allow, changes.allow));
  parts.block = merged_if_large(changed(base.parts.block, changes.block));
  parts.table = changed(base.parts.table, changes);
  parts.previous = previous.get();
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - base.loaded_at);
  parts.age_s = static_cast<std::uint64_t>(age.count());
  return build_rules(previous ? previous->generation() + 1 : 1, parts);
}

std::unique_ptr<const RuleSet> load_rules_for(const RuleFiles& files,
                                              const std::string& interface) {
  RuleRebuild work;
  work.base.files = files;
  work.read_files = true;
  work.interface = interface;
  return work.run();
}

}  // namespace afxfw
