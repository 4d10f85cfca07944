#include "engine/live_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "util/error.h"
#include "util/log.h"

namespace afxfw {
namespace {

/// A filter for eth0 that silently runs on eth1 lets everything through on eth0.
void require_device(const RuleSet& rules, const std::string& interface) {
  if (rules.table() == nullptr) return;
  const nft::Table& table = rules.table()->table;
  const std::vector<std::string>& devices = table.base_chain()->base->devices;
  if (std::find(devices.begin(), devices.end(), interface) != devices.end()) return;
  throw Error(fmt::format("the rules of {} are for {}, and not for {}; name it in the chain: "
                          "devices = {{ \"{}\", \"{}\" }}",
                          table.files.front().name, fmt::join(devices, ", "), interface,
                          fmt::join(devices, "\", \""), interface),
              ExitCode::kUsage);
}

}  // namespace

std::unique_ptr<const RuleSet> LiveRules::load(const RuleFiles& files, const std::string& interface,
                                               std::uint64_t generation, const RuleSet* previous) {
  auto rules = load_rules(files, generation, previous);
  require_device(*rules, interface);
  return rules;
}

LiveRules::LiveRules(RuleFiles files, std::string interface, std::unique_ptr<const RuleSet> rules,
                     std::size_t readers)
    : files_(std::move(files)),
      interface_(std::move(interface)),
      publisher_(readers, std::move(rules)) {}

void LiveRules::reload() {
  const auto now = Clock::now();
  publisher_.publish(load(files_, interface_, current().generation() + 1, &current()));
  loaded_at_ = now;
}

bool LiveRules::housekeep() {
  publisher_.reclaim();
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - loaded_at_);
  const auto age_s = static_cast<std::uint64_t>(age.count());
  const auto expiry_s = current().next_expiry_s();
  if (!expiry_s || *expiry_s > age_s) return false;
  publisher_.publish(current().aged(current().generation() + 1, age_s));
  log_debug("{}: elements expired, rules generation {}", interface_, current().generation());
  return true;
}

}  // namespace afxfw
