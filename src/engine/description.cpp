#include "engine/description.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "rules/inline_policy.h"

namespace afxfw {

namespace {

std::string describe_reinjection(const ReinjectOption& reinject) {
  switch (reinject.kind) {
    case ReinjectOption::Kind::kStack:
      return "to the host's stack";
    case ReinjectOption::Kind::kNone:
      return "none: accepted packets are counted and end here";
    case ReinjectOption::Kind::kTx:
      return "back out of the same queue";
    case ReinjectOption::Kind::kDevice:
      return "out of " + reinject.device;
  }
  return "";
}

std::string describe_lists(const RuleSet& rules) {
  const auto ranges = [](const AddressTables* tables, auto AddressTables::*family) {
    return tables == nullptr ? std::size_t{0} : (tables->*family).ranges();
  };
  return fmt::format("IPv4: {} ranges allowed, {} blocked; IPv6: {} ranges allowed, {} blocked",
                     ranges(rules.allowlist(), &AddressTables::ipv4),
                     ranges(rules.blocklist(), &AddressTables::ipv4),
                     ranges(rules.allowlist(), &AddressTables::ipv6),
                     ranges(rules.blocklist(), &AddressTables::ipv6));
}

std::string describe_table(const RuleSet& rules) {
  if (rules.table() == nullptr) return "";
  const nft::Table& table = rules.table()->table;
  return fmt::format("; table {}: {} rules, policy {}", table.name,
                     std::count_if(rules.rules().begin(), rules.rules().end(),
                                   [](const Rule& rule) { return !rule.chain.empty(); }),
                     table.base_chain()->base->drop ? "drop" : "accept");
}

}  // namespace

std::string describe(const Plan& plan, const EngineOptions& options, const RuleSet& rules) {
  const WorkerOptions& first = plan.workers.front();
  std::string cpus;
  for (const WorkerOptions& worker : plan.workers) {
    cpus += fmt::format("{}{}", cpus.empty() ? "" : ",", worker.cpu);
  }
  return fmt::format(
             "interface {} (driver {}), MTU {}\n"
             "  queues   {} of {}, workers on CPU {}; {} frames of {} bytes each\n"
             "  inline   drop {}; {} while a queue has no worker\n"
             "  rules    {}{}; {} KiB\n"
             "  accepted {}",
             plan.link.name, plan.link.driver.empty() ? "unknown" : plan.link.driver, plan.link.mtu,
             plan.workers.size(), plan.link.rx_queues, cpus, first.frames, first.frame_size,
             to_string(options.inline_policy),
             options.inline_policy.fallback == AFXFW_FALLBACK_PASS ? "pass" : "drop",
             describe_lists(rules), describe_table(rules), rules.memory_bytes() / 1024,
             describe_reinjection(options.reinject)) +
         (options.fast_path_flows == 0
              ? ""
              : fmt::format("; XDP passes up to {} flows of each family that were accepted",
                            options.fast_path_flows)) +
         (options.push_down == 0
              ? ""
              : fmt::format("\n  blocked  XDP drops what the {} hottest sources send",
                            options.push_down));
}

}  // namespace afxfw
