// Look-ups in the address tables, one by one and as a worker does them: batches of 64
// packets through classify(). per_lookup and per_packet are times, items_per_second
// their inverse. prefix-bench compares the tables with others'.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include "net/packet_view.h"
#include "net/prefix.h"
#include "pipeline/classifier.h"
#include "rules/prefix_set.h"
#include "rules/rule_set.h"

namespace afxfw {
namespace {

constexpr std::size_t kBatch = 64;
// Addresses asked in a cycle: enough that neither they nor the parts of the table
// they touch are all in the first-level cache.
constexpr std::size_t kQueries = std::size_t{1} << 16;

enum Pattern : std::int64_t {
  kMiss,  // random addresses, nearly none of them in the table
  kHit,   // all in the table, in random order
};

template <typename Bits>
Bits random_address(std::mt19937_64& random) {
  if constexpr (std::is_same_v<Bits, Ipv4Bits>) {
    return static_cast<Bits>(random());
  } else {
    // 2000::/3, the part in use.
    return (Bits{random() >> 3 | std::uint64_t{1} << 61} << 64) | random();
  }
}

// Single IPv4 addresses, as in most blocklists; of IPv6, the /48 of a site.
template <typename Bits>
std::vector<Prefix> random_prefixes(std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<Prefix> prefixes;
  for (std::size_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<Bits, Ipv4Bits>) {
      prefixes.push_back(Prefix::ipv4(random_address<Bits>(random), 32));
    } else {
      prefixes.push_back(Prefix::ipv6(random_address<Bits>(random), 48));
    }
  }
  return prefixes;
}

template <typename Bits>
std::vector<Bits> queries(const std::vector<Prefix>& prefixes, std::int64_t pattern) {
  std::mt19937_64 random(2);
  std::vector<Bits> addresses(kQueries);
  for (Bits& address : addresses) {
    address = pattern == kMiss ? random_address<Bits>(random)
                               : static_cast<Bits>(prefixes[random() % prefixes.size()].last());
  }
  return addresses;
}

void report(benchmark::State& state, const char* unit, std::size_t items_an_iteration) {
  const auto items = static_cast<std::int64_t>(items_an_iteration) * state.iterations();
  state.SetItemsProcessed(items);
  state.counters[unit] = benchmark::Counter(
      static_cast<double>(items), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Each look-up on its own, none waiting for another's result.
template <typename Bits>
void lookup(benchmark::State& state) {
  const auto prefixes = random_prefixes<Bits>(static_cast<std::size_t>(state.range(0)));
  const auto set = PrefixSet<Bits>::build(prefixes);
  const auto addresses = queries<Bits>(prefixes, state.range(1));
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(set.contains(addresses[next]));
    next = (next + 1) % kQueries;
  }
  report(state, "per_lookup", 1);
  state.counters["table_bytes"] = static_cast<double>(set.memory_bytes());
}

// An Ethernet frame with an IP header and nothing else in it: all that the
// classifier reads.
constexpr std::size_t kFrameBytes = 64;
using Frame = std::array<std::byte, kFrameBytes>;

template <typename Bits>
constexpr bool kIsIpv4 = std::is_same_v<Bits, Ipv4Bits>;

template <typename Bits>
Frame frame_without_source() {
  Frame frame = {};
  frame[12] = std::byte{kIsIpv4<Bits> ? 0x08 : 0x86};
  frame[13] = std::byte{kIsIpv4<Bits> ? 0x00 : 0xdd};
  frame[14] = std::byte{kIsIpv4<Bits> ? 0x45 : 0x60};
  if (kIsIpv4<Bits>) {
    frame[17] = std::byte{20};  // total length
    frame[23] = std::byte{47};  // GRE: no ports to parse
  } else {
    frame[20] = std::byte{59};  // no next header
  }
  return frame;
}

// Address i of the result as it stands in a packet.
template <typename Bits>
std::vector<std::array<std::byte, sizeof(Bits)>> in_network_order(const std::vector<Bits>& all) {
  std::vector<std::array<std::byte, sizeof(Bits)>> result(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t byte = 0; byte < sizeof(Bits); ++byte) {
      result[i][sizeof(Bits) - 1 - byte] = static_cast<std::byte>(all[i] >> (8 * byte));
    }
  }
  return result;
}

// Packets already parsed, hence in the cache, against a blocklist of the given
// size and no allowlist. One batch of packets gets new source addresses each
// time, which costs about a nanosecond a packet that is measured too.
template <typename Bits>
void classify_batch(benchmark::State& state) {
  const auto block = random_prefixes<Bits>(static_cast<std::size_t>(state.range(0)));
  RuleSet::Parts parts;
  parts.block = std::make_shared<const AddressTables>(AddressTables::build(block));
  const auto built = RuleSet::build(1, parts);
  const RuleSet& rules = **built;
  Evaluation evaluation(rules.counter_slots());
  const auto sources = in_network_order(queries<Bits>(block, state.range(1)));
  std::vector<Frame> frames(kBatch, frame_without_source<Bits>());
  std::vector<PacketView> views;
  views.reserve(frames.size());
  for (const Frame& frame : frames) views.push_back(parse(frame));
  if (!std::all_of(views.begin(), views.end(), [](const PacketView& view) { return view.ok(); })) {
    return state.SkipWithError("the benchmark's own packets do not parse");
  }

  std::array<Verdict, kBatch> verdicts;
  std::size_t next = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      std::copy(sources[next + i].begin(), sources[next + i].end(),
                frames[i].begin() + (kIsIpv4<Bits> ? 26 : 22));
    }
    benchmark::ClobberMemory();
    classify(rules, views, verdicts, evaluation);
    benchmark::DoNotOptimize(verdicts);
    next = (next + kBatch) % kQueries;
  }
  report(state, "per_packet", kBatch);
}

void table_sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"prefixes", "hit"});
  benchmark->ArgsProduct({{10'000, 120'000, 1'000'000}, {kMiss, kHit}});
}

BENCHMARK_TEMPLATE(lookup, Ipv4Bits)->Apply(table_sizes);
BENCHMARK_TEMPLATE(lookup, Ipv6Bits)->Apply(table_sizes);
BENCHMARK_TEMPLATE(classify_batch, Ipv4Bits)->Apply(table_sizes);
BENCHMARK_TEMPLATE(classify_batch, Ipv6Bits)->Apply(table_sizes);

}  // namespace
}  // namespace afxfw

BENCHMARK_MAIN();
