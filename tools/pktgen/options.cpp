#include "pktgen/options.h"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "pktgen/bpf/live_state.h"
#include "pktgen/option_descriptions.h"
#include "util/cpu.h"
#include "util/error.h"

namespace afxfw::pktgen {

namespace po = boost::program_options;

namespace {

// Ranges set aside for measurements and documentation: RFC 2544, RFC 3849.
constexpr const char* kDefaultSource4 = "198.18.0.0/16";
constexpr const char* kDefaultDestination4 = "198.19.0.1";
constexpr const char* kDefaultSource6 = "2001:db8:0:1::/64";
constexpr const char* kDefaultDestination6 = "2001:db8:0:2::1";

[[noreturn]] void fail(std::string_view option, std::string_view what) {
  throw Error(fmt::format("--{}: {}", option, what), ExitCode::kUsage);
}

/// The values that were given, by option name.
class Values {
 public:
  explicit Values(po::variables_map map) : map_(std::move(map)) {}

  [[nodiscard]] bool has(const std::string& option) const { return map_.count(option) != 0; }

  template <typename T>
  [[nodiscard]] T get(const std::string& option) const {
    return map_.at(option).as<T>();
  }

  [[nodiscard]] std::optional<std::string> text(const std::string& option) const {
    if (!has(option)) return std::nullopt;
    return get<std::string>(option);
  }

  /// A given option's value through one of the parse functions.
  template <typename T>
  [[nodiscard]] std::optional<T> parsed(const std::string& option,
                                        Parsed<T> (*parse)(std::string_view)) const {
    if (!has(option)) return std::nullopt;
    Parsed<T> value = parse(get<std::string>(option));
    if (!value) fail(option, value.error());
    return *value;
  }

  template <typename T, std::size_t N>
  [[nodiscard]] T choice(const std::string& option,
                         const std::array<std::pair<std::string_view, T>, N>& choices) const {
    const auto given = get<std::string>(option);
    std::string known;
    for (const auto& [word, value] : choices) {
      if (given == word) return value;
      known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
    }
    fail(option, fmt::format("'{}' is none of {}", given, known));
  }

 private:
  po::variables_map map_;
};

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
  if (values.has("size")) {
    traffic.frame_bytes = values.get<std::uint32_t>("size");
    if (traffic.frame_bytes == 0) fail("size", "0 is less than the smallest frame, 60 bytes");
  }
  traffic.order = values.choice<Order, 2>(
      "order", {{{"sequential", Order::kSequential}, {"random", Order::kRandom}}});
  traffic.seed = values.get<std::uint64_t>("seed");
  return traffic;
}

std::vector<int> read_cpus(const Values& values) {
  std::vector<int> cpus;
  if (const auto list = values.text("cpus")) {
    cpus = parse_cpu_list(*list);
    std::vector<int> sorted = cpus;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
      fail("cpus", "a CPU is named twice; each thread needs its own");
    }
  }
  const std::size_t threads = values.has("threads") ? values.get<unsigned>("threads")
                                                    : std::max<std::size_t>(1, cpus.size());
  if (threads == 0) fail("threads", "at least one is needed");
  if (cpus.empty()) cpus = allowed_cpus();
  if (threads > cpus.size()) {
    fail("threads",
         fmt::format("{} threads need as many CPUs, there are {}", threads, cpus.size()));
  }
  cpus.resize(threads);
  return cpus;
}

void read_amount(const Values& values, Options& options) {
  options.count = values.parsed("count", parse_scaled);
  if (options.count == 0U) fail("count", "0 sends nothing; leave it out for no limit");
  if (values.has("duration")) {
    // Far more than anyone waits for, far less than nanoseconds overflow at.
    constexpr double kLongestSeconds = 1e8;
    const auto seconds = values.get<double>("duration");
    if (!(seconds > 0) || seconds > kLongestSeconds) {
      fail("duration", "give seconds, more than 0, such as 10 or 0.5");
    }
    options.duration = std::chrono::nanoseconds(std::llround(seconds * 1e9));
  }
  options.rate = values.parsed("rate", parse_scaled);
  if (options.rate && (*options.rate < options.cpus.size() || *options.rate > 1'000'000'000)) {
    fail("rate", "give frames a second, at least one a thread and at most 1G");
  }
}

Options read_options(const Values& values) {
  Options options;
  const auto interface = values.text("iface");
  if (!interface || interface->empty()) {
    fail("iface", "required; 'ip link' lists the interfaces");
  }
  options.interface = *interface;
  options.traffic = read_traffic(values);
  options.cpus = read_cpus(values);
  read_amount(values, options);
  options.method = values.choice<Method, 3>(
      "method", {{{"auto", Method::kAuto}, {"live", Method::kLive}, {"xsk", Method::kXsk}}});
  options.batch = values.get<std::uint32_t>("batch");
  if (options.batch == 0 || options.batch > PKTGEN_MAX_BATCH) {
    fail("batch", fmt::format("{} is not within 1 to {}", options.batch, PKTGEN_MAX_BATCH));
  }
  options.json = values.has("json");
  options.log_level = values.choice<LogLevel, 4>("log-level", {{{"debug", LogLevel::kDebug},
                                                                {"info", LogLevel::kInfo},
                                                                {"warn", LogLevel::kWarn},
                                                                {"error", LogLevel::kError}}});
  return options;
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
  if (map.count("help") != 0) return {std::nullopt, help_text()};
  if (map.count("version") != 0) return {std::nullopt, "afxfw-pktgen " AFXFW_VERSION "\n"};
  return {read_options(Values(std::move(map))), ""};
}

}  // namespace afxfw::pktgen
