#include "pktgen/receive/receive_options.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "pktgen/common_options.h"

namespace afxfw::pktgen {

ReceiveOptions read_receive_options(const Values& values) {
  constexpr std::array<std::string_view, 10> kKnown = {
      "receive", "iface", "count", "duration",   "idle-timeout",
      "flows",   "cpus",  "json",  "list-flows", "log-level"};
  for (const std::string& option : values.all_given()) {
    if (std::find(kKnown.begin(), kKnown.end(), option) == kKnown.end()) {
      fail(option, "is for sending, not with --receive");
    }
  }
  ReceiveOptions options;
  options.interface = read_interface(values);
  options.count = values.parsed("count", parse_scaled);
  if (options.count == 0U) fail("count", "0 receives nothing; leave it out for no limit");
  options.duration = values.seconds("duration");
  options.idle_timeout = values.seconds("idle-timeout");
  if (values.has("flows")) options.flows = read_flow_count(values);
  options.listed_flows = values.get<std::uint32_t>("list-flows");
  if (values.has("cpus")) options.cpu = read_cpus(values).front();
  options.json = values.has("json");
  options.log_level = read_log_level(values);
  return options;
}

}  // namespace afxfw::pktgen
