// What a reload costs: reading a list's text, building the tables, both together,
// changing one element instead, and what a worker pays for being able to see it.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "net/prefix.h"
#include "rules/address_set.h"
#include "rules/list_parser.h"
#include "rules/prefix_set.h"
#include "rules/publisher.h"
#include "rules/rule_set.h"

namespace afxfw {
namespace {

std::string ipv4_list(std::int64_t lines) {
  std::mt19937 random(1);
  std::string text;
  for (std::int64_t i = 0; i < lines; ++i)
    text += format_ipv4(static_cast<Ipv4Bits>(random())) + "\n";
  return text;
}

std::string ipv6_list(std::int64_t lines) {
  std::mt19937_64 random(1);
  std::string text;
  for (std::int64_t i = 0; i < lines; ++i) {
    const Ipv6Bits address = Ipv6Bits{random() >> 3 | std::uint64_t{1} << 61} << 64;
    text += to_string(Prefix::ipv6(address, 48)) + "\n";
  }
  return text;
}

void parse_text(benchmark::State& state, const std::string& text) {
  for (auto _ : state) benchmark::DoNotOptimize(parse_list(text, "list"));
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
void parse_ipv4_list(benchmark::State& state) { parse_text(state, ipv4_list(state.range(0))); }
void parse_ipv6_list(benchmark::State& state) { parse_text(state, ipv6_list(state.range(0))); }

template <typename Bits>
void build_set(benchmark::State& state, const std::string& text) {
  const auto list = parse_list(text, "list");
  for (auto _ : state) benchmark::DoNotOptimize(PrefixSet<Bits>::build(list->prefixes));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
void build_ipv4_set(benchmark::State& state) {
  build_set<Ipv4Bits>(state, ipv4_list(state.range(0)));
}
void build_ipv6_set(benchmark::State& state) {
  build_set<Ipv6Bits>(state, ipv6_list(state.range(0)));
}

// One address more, once 100 others have been added since the list was built.
template <typename Bits>
void change_set(benchmark::State& state, const std::string& text) {
  const auto host = [](unsigned i) {
    return std::is_same_v<Bits, Ipv4Bits>
               ? Prefix::ipv4(0x0a00'0000 + 77 * i, 32)
               : Prefix::ipv6((Ipv6Bits{0xfd00} << 112) + Ipv6Bits{77} * i, 128);
  };
  const auto list = parse_list(text, "list");
  std::vector<PrefixChange> changes;
  for (unsigned i = 0; i < 100; ++i) changes.push_back({PrefixChange::Kind::kAdd, host(i)});
  const auto set = AddressSet<Bits>::build(list->prefixes).with_changes(changes);
  const PrefixChange change{PrefixChange::Kind::kAdd, host(100)};
  for (auto _ : state) benchmark::DoNotOptimize(set.with_changes({&change, 1}));
}
void change_ipv4_set(benchmark::State& state) {
  change_set<Ipv4Bits>(state, ipv4_list(state.range(0)));
}
void change_ipv6_set(benchmark::State& state) {
  change_set<Ipv6Bits>(state, ipv6_list(state.range(0)));
}

// What has to be done now and then, in the background.
template <typename Bits>
void merge_set(benchmark::State& state, const std::string& text) {
  const auto list = parse_list(text, "list");
  const PrefixChange change{PrefixChange::Kind::kRemove, list->prefixes.front()};
  const auto set = AddressSet<Bits>::build(list->prefixes).with_changes({&change, 1});
  for (auto _ : state) benchmark::DoNotOptimize(set.merged());
}
void merge_ipv4_set(benchmark::State& state) {
  merge_set<Ipv4Bits>(state, ipv4_list(state.range(0)));
}
void merge_ipv6_set(benchmark::State& state) {
  merge_set<Ipv6Bits>(state, ipv6_list(state.range(0)));
}

void compile_rules(benchmark::State& state) {
  RuleSetSources sources;
  sources.blocklists.push_back({"list", ipv4_list(state.range(0))});
  for (auto _ : state) benchmark::DoNotOptimize(compile(sources, 1));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Once a batch in every worker.
void acquire_rules(benchmark::State& state) {
  RuleSetPublisher publisher(1, std::move(*RuleSet::build(1, {})));
  for (auto _ : state) benchmark::DoNotOptimize(&publisher.acquire(0).rules);
}

void list_sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("lines")->Arg(120'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
}

BENCHMARK(parse_ipv4_list)->Apply(list_sizes);
BENCHMARK(parse_ipv6_list)->Apply(list_sizes);
BENCHMARK(build_ipv4_set)->Apply(list_sizes);
BENCHMARK(build_ipv6_set)->Apply(list_sizes);
BENCHMARK(change_ipv4_set)->Apply(list_sizes)->Unit(benchmark::kMicrosecond);
BENCHMARK(change_ipv6_set)->Apply(list_sizes)->Unit(benchmark::kMicrosecond);
BENCHMARK(merge_ipv4_set)->Apply(list_sizes);
BENCHMARK(merge_ipv6_set)->Apply(list_sizes);
BENCHMARK(compile_rules)->Apply(list_sizes);
BENCHMARK(acquire_rules);

}  // namespace
}  // namespace afxfw

BENCHMARK_MAIN();
