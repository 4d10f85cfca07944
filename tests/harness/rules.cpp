#include "harness/rules.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "net/packet_view.h"
#include "pipeline/classifier.h"

namespace afxfw::test {
namespace {

/// Rules that stand in front of the file's.
std::size_t list_rules(const RuleSet& rules) {
  std::size_t count = 0;
  while (count < rules.rules().size() && rules.rules()[count].chain.empty()) ++count;
  return count;
}

}  // namespace

std::string table(const std::string& rules, const TableText& more) {
  return fmt::format(
      "table netdev t {{\n{}\nchain in {{\n"
      "type filter hook ingress device \"eth0\" priority 0; policy {};\n{}\n}}\n{}\n}}\n",
      more.sets, more.drop ? "drop" : "accept", rules, more.chains);
}

std::unique_ptr<const RuleSet> compiled(const std::string& text, const CompileOptions& options) {
  RuleSetSources sources;
  sources.rules = nft::SourceFile{"rules.nft", text};
  sources.include = [](const std::string&) {
    return tl::unexpected(std::string("there are no other files"));
  };
  if (!options.blocklist.empty()) sources.blocklists.push_back({"block", options.blocklist});
  auto result = compile(sources, options.generation, options.previous);
  if (!result) throw std::invalid_argument(to_string(result.error()));
  return std::move(result->rules);
}

Verdict RulesInUse::judge(const Bytes& frame) {
  const PacketView packet = parse(frame);
  Verdict verdict{Action::kDrop, DropReason::kRule, 12345};
  classify(*rules_, {&packet, 1}, {&verdict, 1}, evaluation_);
  return verdict;
}

std::string RulesInUse::told(const Bytes& frame) {
  const Verdict verdict = judge(frame);
  const std::string_view action = verdict.action == Action::kAccept ? "accept" : "drop";
  if (verdict.reason == DropReason::kBlocklist || verdict.reason == DropReason::kMalformed) {
    return fmt::format("{} {}", action, name(verdict.reason));
  }
  if (verdict.rule == Verdict::kNoRule) return fmt::format("{} policy", action);
  return fmt::format("{} {}", action, verdict.rule - list_rules(*rules_) + 1);
}

RuleCounter RulesInUse::counted(std::size_t number) const {
  const Rule& rule = rules_->rules()[list_rules(*rules_) + number - 1];
  if (rule.slot == kNoSlot) throw std::invalid_argument("no counter: " + rule.text);
  return evaluation_.counters.read(rule.slot);
}

}  // namespace afxfw::test
