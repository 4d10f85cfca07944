#include "pktgen/options.h"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "pktgen/bpf/live_state.h"
#include "pktgen/common_options.h"
#include "pktgen/frame_plan.h"
#include "pktgen/option_descriptions.h"
#include "pktgen/option_values.h"
#include "pktgen/receive/receive_options.h"
#include "util/error.h"

namespace afxfw::pktgen {

namespace po = boost::program_options;

namespace {

// Ranges set aside for measurements and documentation: RFC 2544, RFC 3849.
constexpr const char* kDefaultSource4 = "198.18.0.0/16";
constexpr const char* kDefaultDestination4 = "198.19.0.1";
constexpr const char* kDefaultSource6 = "2001:db8:0:1::/64";
constexpr const char* kDefaultDestination6 = "2001:db8:0:2::1";

Prefix parse_addresses(const char* option, const std::string& text) {
  const auto parsed = parse_prefix(text);
  if (!parsed) fail(option, fmt::format("'{}': {}", text, parsed.error().what));
  return parsed->prefix;
}

void read_addresses(const Values& values, TrafficOptions& traffic) {
  std::optional<Prefix> source;
  std::optional<Prefix> destination;
  if (const auto text = values.text("src")) source = parse_addresses("src", *text);
  if (const auto text = values.text("dst")) destination = parse_addresses("dst", *text);
  if (source && destination && source->family() != destination->family()) {
    fail("dst", "--src and --dst must both be IPv4 or both IPv6");
  }
  Family family = values.has("ipv6") ? Family::kIpv6 : Family::kIpv4;
  for (const auto& given : {source, destination}) {
    if (!given) continue;
    if (values.has("ipv6") && given->family() == Family::kIpv4) {
      fail("ipv6", "--src and --dst must be IPv6 then");
    }
    family = given->family();
  }
  const bool ipv6 = family == Family::kIpv6;
  traffic.source =
      source ? *source : parse_addresses("src", ipv6 ? kDefaultSource6 : kDefaultSource4);
  traffic.destination =
      destination ? *destination
                  : parse_addresses("dst", ipv6 ? kDefaultDestination6 : kDefaultDestination4);
}

void read_protocol(const Values& values, TrafficOptions& traffic) {
  traffic.protocol = values.choice<Protocol, 3>(
      "proto", {{{"udp", Protocol::kUdp}, {"tcp", Protocol::kTcp}, {"icmp", Protocol::kIcmp}}});
  traffic.fragment = values.choice<Fragment, 3>(
      "fragment",
      {{{"none", Fragment::kNone}, {"first", Fragment::kFirst}, {"later", Fragment::kLater}}});
  if (traffic.protocol == Protocol::kIcmp && values.has("dport")) {
    fail("dport", "icmp has no ports; --sport gives the echo identifiers");
  }
  if (traffic.protocol != Protocol::kTcp && values.has("tcp-flags")) {
    fail("tcp-flags", "needs --proto tcp");
  }
  traffic.source_port = values.parsed("sport", parse_port_range).value_or(PortRange{1024, 65535});
  // Port 9 discards (RFC 863).
  traffic.destination_port = values.parsed("dport", parse_port_range).value_or(PortRange{9, 9});
  traffic.tcp_flags = values.parsed("tcp-flags", parse_tcp_flags).value_or(0x10);
}

TrafficOptions read_traffic(const Values& values) {
  TrafficOptions traffic;
  const auto destination_mac = values.parsed("dst-mac", parse_mac);
  if (!destination_mac) {
    fail("dst-mac",
         "required; 'ip neigh show dev IFACE' knows hosts, 'ip link show' in the other network "
         "namespace the far end of a veth");
  }
  traffic.destination_mac = *destination_mac;
  traffic.source_mac = values.parsed("src-mac", parse_mac);
  if (values.has("vlan")) {
    constexpr unsigned kHighestVlan = 4094;
    const auto vlan = values.get<unsigned>("vlan");
    if (vlan > kHighestVlan) fail("vlan", fmt::format("{} is not within 0 to 4094", vlan));
    traffic.vlan_id = static_cast<std::uint16_t>(vlan);
  }
  read_addresses(values, traffic);
  read_protocol(values, traffic);
  traffic.imix = values.has("imix");
  if (traffic.imix && values.has("size")) fail("imix", "has sizes of its own, not --size");
  if (traffic.imix && traffic.fragment != Fragment::kNone) fail("imix", "not with --fragment");
  if (values.has("size")) {
    traffic.frame_bytes = values.get<std::uint32_t>("size");
    if (traffic.frame_bytes == 0) fail("size", "0 is less than the smallest frame, 60 bytes");
  }
  traffic.order = values.choice<Order, 2>(
      "order", {{{"sequential", Order::kSequential}, {"random", Order::kRandom}}});
  traffic.seed = values.get<std::uint64_t>("seed");
  return traffic;
}

void read_amount(const Values& values, Options& options) {
  options.count = values.parsed("count", parse_scaled);
  if (options.count == 0U) fail("count", "0 sends nothing; leave it out for no limit");
  options.duration = values.seconds("duration");
  options.rate = values.parsed("rate", parse_scaled);
  if (options.rate && (*options.rate < options.cpus.size() || *options.rate > 1'000'000'000)) {
    fail("rate", "give frames a second, at least one a thread and at most 1G");
  }
  if (!values.has("burst")) return;
  options.burst = values.get<std::uint32_t>("burst");
  if (!options.rate) fail("burst", "needs --rate");
  if (options.burst == 0 || options.burst > PKTGEN_MAX_BATCH) {
    fail("burst", fmt::format("{} is not within 1 to {}", options.burst, PKTGEN_MAX_BATCH));
  }
}

void read_flows(const Values& values, Options& options) {
  TrafficOptions& traffic = options.traffic;
  const std::size_t threads = options.cpus.size();
  traffic.stamped = values.has("stamp");
  if (values.has("flows")) {
    traffic.flows = read_flow_count(values);
  } else if (traffic.stamped) {
    // Few enough for any table on the way, and as many as divide among the threads.
    constexpr std::uint64_t kDefaultFlows = 1024;
    const std::uint64_t most = std::min(kDefaultFlows, combinations(traffic));
    traffic.flows = static_cast<std::uint32_t>(std::max(most - most % threads, std::uint64_t{1}));
  }
  if (traffic.flows != 0 && traffic.fragment != Fragment::kNone) {
    fail(traffic.stamped ? "stamp" : "flows", "not with --fragment, whose packets have no flow");
  }
  if (traffic.stamped && traffic.flows % threads != 0) {
    fail("flows", fmt::format("with --stamp, a multiple of the {} threads: two threads would put "
                              "one flow's packets out of order",
                              threads));
  }
  // Any number that two runs after one another are unlikely to share.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  traffic.run = static_cast<std::uint8_t>(pktgen_mix(static_cast<std::uint64_t>(now.count())));
}

/// What is sent from a capture, and how often.
void read_capture_options(const Values& values, Options& options) {
  for (const char* option : {"vlan", "src", "dst", "ipv6", "proto", "sport", "dport", "tcp-flags",
                             "size", "imix", "fragment", "order", "seed", "flows", "stamp"}) {
    if (values.given(option)) fail(option, "is for generated packets, not with --pcap");
  }
  if (options.cpus.size() > 1) fail("threads", "one sends a --pcap, so that its order is kept");
  CaptureOptions& capture = options.capture.emplace();
  capture.path = values.get<std::string>("pcap");
  capture.destination_mac = values.parsed("dst-mac", parse_mac);
  capture.source_mac = values.parsed("src-mac", parse_mac);
  capture.loops = values.parsed("loops", parse_scaled).value_or(1);
  if (capture.loops == 0) fail("loops", "0 sends nothing");
  if (values.has("speed")) {
    capture.speed = values.get<double>("speed");
    if (values.has("rate")) fail("speed", "not with --rate, which sets the pace by itself");
    // Slower than a millionth, or faster than all, is a typing error.
    constexpr double kMost = 1e6;
    if (capture.speed != 0 && !(capture.speed >= 1 / kMost && capture.speed <= kMost)) {
      fail("speed", "give a factor such as 1, 0.5 or 10, or 0 for as fast as possible");
    }
  }
}

void check_without_capture(const Values& values) {
  for (const char* option : {"speed", "loops"}) {
    if (values.given(option)) fail(option, "needs --pcap");
  }
}

Options read_options(const Values& values) {
  Options options;
  options.interface = read_interface(values);
  options.cpus = read_cpus(values);
  if (values.has("pcap")) {
    read_capture_options(values, options);
  } else {
    check_without_capture(values);
    options.traffic = read_traffic(values);
    read_flows(values, options);
  }
  read_amount(values, options);
  options.method = values.choice<Method, 3>(
      "method", {{{"auto", Method::kAuto}, {"live", Method::kLive}, {"xsk", Method::kXsk}}});
  if (options.capture) {
    if (options.method == Method::kLive)
      fail("method", "a --pcap is sent by xsk, not as live frames");
    options.method = Method::kXsk;
  }
  options.batch = values.get<std::uint32_t>("batch");
  if (options.batch == 0 || options.batch > PKTGEN_MAX_BATCH) {
    fail("batch", fmt::format("{} is not within 1 to {}", options.batch, PKTGEN_MAX_BATCH));
  }
  options.json = values.has("json");
  options.log_level = read_log_level(values);
  return options;
}

/// Options that the other way would ignore.
void check_direction(const Values& values) {
  for (const char* option : {"idle-timeout", "list-flows"}) {
    if (values.given(option)) fail(option, "needs --receive");
  }
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  po::variables_map map;
  try {
    // No guessing: an abbreviation that works today may be ambiguous tomorrow.
    constexpr int kStyle =
        po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    // An empty positional description makes a stray word an error.
    po::store(po::command_line_parser(argc, argv)
                  .options(all_options())
                  .style(kStyle)
                  .positional(po::positional_options_description())
                  .run(),
              map);
  } catch (const po::error& error) {
    throw Error(fmt::format("{}; see afxfw-pktgen --help", error.what()), ExitCode::kUsage);
  }
  if (map.count("help") != 0) return {{}, {}, help_text()};
  if (map.count("version") != 0) return {{}, {}, "afxfw-pktgen " AFXFW_VERSION "\n"};
  const Values values(std::move(map));
  if (values.has("receive")) return {{}, read_receive_options(values), ""};
  check_direction(values);
  return {read_options(values), {}, ""};
}

}  // namespace afxfw::pktgen
