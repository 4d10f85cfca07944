#include "engine/description.h"

#include <fmt/format.h>

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

template <typename Bits>
std::string describe_lists(const RuleSet& rules, const char* family) {
  return fmt::format("{}: {} ranges allowed, {} blocked", family, rules.allowlist<Bits>().ranges(),
                     rules.blocklist<Bits>().ranges());
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
      "  rules    {}; {}; {} KiB\n"
      "  accepted {}",
      plan.link.name, plan.link.driver.empty() ? "unknown" : plan.link.driver, plan.link.mtu,
      plan.workers.size(), plan.link.rx_queues, cpus, first.frames, first.frame_size,
      to_string(options.inline_policy),
      options.inline_policy.fallback == AFXFW_FALLBACK_PASS ? "pass" : "drop",
      describe_lists<Ipv4Bits>(rules, "IPv4"), describe_lists<Ipv6Bits>(rules, "IPv6"),
      rules.memory_bytes() / 1024, describe_reinjection(options.reinject));
}

}  // namespace afxfw
