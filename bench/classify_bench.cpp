// Look-ups of headers in ClassBench rule sets, in batches of 64, by BoxClassifier and,
// if it was there at build time, DPDK's rte_acl, whose tables are built with its
// default size limit and with 4000 MB. AFXFW_CLASSBENCH names the folder of rule sets.
// items_per_second are look-ups; build_ms and table_bytes what the table took.
//
// With --check, compares BoxClassifier's answers to a million headers of each set with
// those of a scan of all rules instead, and fails if they differ.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acl_table.h"
#include "classbench.h"
#include "linear_scan.h"
#include "rules/box_classifier.h"

namespace afxfw {
namespace {

constexpr std::size_t kBatch = 64;
// Asked in a cycle: enough to touch most of a table.
constexpr std::size_t kHeaders = std::size_t{1} << 16;
constexpr std::size_t kCheckedHeaders = 1'000'000;

struct RuleSet {
  std::string name;
  std::vector<Box> boxes;
  std::vector<BoxKey> headers;
};

// Of processor time.
double milliseconds_of(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// lookup(first, rules): matches of the batch of headers from the first on.
template <typename Lookup>
void measure(benchmark::State& state, const Lookup& lookup) {
  std::array<std::uint32_t, kBatch> rules;
  std::size_t next = 0;
  for (auto _ : state) {
    lookup(next, std::span<std::uint32_t>(rules));
    benchmark::DoNotOptimize(rules);
    next = (next + kBatch) % kHeaders;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kBatch) * state.iterations());
}

// Tables are built once for all repetitions.
template <typename Table>
struct Built {
  Table table;
  double milliseconds = 0;
};

void report(benchmark::State& state, double build_ms, std::size_t bytes) {
  state.counters["build_ms"] = build_ms;
  state.counters["table_bytes"] = static_cast<double>(bytes);
}

void add_boxes(const std::shared_ptr<const RuleSet>& rules, Simd simd, const std::string& suffix) {
  auto built = std::make_shared<Built<BoxClassifier>>();
  built->milliseconds = milliseconds_of([&] { built->table = BoxClassifier::build(rules->boxes); });
  benchmark::RegisterBenchmark(
      (rules->name + "/boxes" + suffix).c_str(), [=](benchmark::State& state) {
        measure(state, [&](std::size_t first, std::span<std::uint32_t> matches) {
          built->table.first_match(std::span(rules->headers).subspan(first, kBatch), matches, simd);
        });
        report(state, built->milliseconds, built->table.memory_bytes());
      });
}

void add_acl(const std::shared_ptr<const RuleSet>& rules, std::size_t max_bytes,
             const std::string& suffix) {
  auto built = std::make_shared<Built<std::unique_ptr<AclTable>>>();
  built->milliseconds =
      milliseconds_of([&] { built->table = AclTable::build(rules->boxes, max_bytes); });
  if (built->table == nullptr) return;
  built->table->set_headers(rules->headers);
  benchmark::RegisterBenchmark(
      (rules->name + "/rte_acl" + suffix).c_str(), [=](benchmark::State& state) {
        measure(state, [&](std::size_t first, std::span<std::uint32_t> matches) {
          built->table->classify(first, matches);
        });
        report(state, built->milliseconds, built->table->memory_bytes());
      });
}

// How many headers are answered otherwise than by a scan of all rules, with any
// instruction set. Of some, all rules that match are asked for.
std::size_t differences(const RuleSet& rules) {
  const BoxClassifier classifier = BoxClassifier::build(rules.boxes);
  const LinearScan scan(rules.boxes);
  std::vector<std::uint32_t> expected;
  for (const BoxKey& header : rules.headers) expected.push_back(scan.first(header));

  std::size_t different = 0;
  std::vector<std::uint32_t> matches(expected.size());
  for (const Simd simd : {Simd::kPortable, Simd::kAvx2, Simd::kAvx512}) {
    if (simd > widest_simd()) continue;
    classifier.first_match(rules.headers, matches, simd);
    for (std::size_t i = 0; i < matches.size(); ++i) different += matches[i] != expected[i] ? 1 : 0;
  }
  constexpr std::size_t kChainEvery = 100;
  for (std::size_t i = 0; i < expected.size(); i += kChainEvery) {
    for (std::uint32_t rule = expected[i]; rule != BoxClassifier::kNoMatch;) {
      const std::uint32_t next = scan.first(rules.headers[i], rule + 1);
      different += classifier.next_match(rules.headers[i], rule + 1) != next ? 1 : 0;
      rule = next;
    }
  }
  return different;
}

// The same of rte_acl, so that what is compared is known to do the same.
std::size_t acl_differences(const RuleSet& rules) {
  const auto table = AclTable::available() ? AclTable::build(rules.boxes, 0) : nullptr;
  if (table == nullptr) return 0;
  table->set_headers(rules.headers);
  const BoxClassifier classifier = BoxClassifier::build(rules.boxes);
  std::vector<std::uint32_t> expected(rules.headers.size());
  classifier.first_match(rules.headers, expected);
  std::vector<std::uint32_t> matches(expected.size());
  table->classify(0, matches);
  std::size_t different = 0;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    different += matches[i] - 1 != expected[i] ? 1 : 0;
  }
  return different;
}

using RuleSets = std::vector<std::shared_ptr<const RuleSet>>;

RuleSets read_sets(const std::filesystem::path& folder, std::size_t headers) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry);
  std::sort(files.begin(), files.end());
  RuleSets sets;
  for (const auto& file : files) {
    RuleSet rules = {file.filename(), read_classbench(file), {}};
    rules.headers = headers_inside(rules.boxes, headers);
    sets.push_back(std::make_shared<const RuleSet>(std::move(rules)));
  }
  return sets;
}

bool check_all(const RuleSets& sets) {
  std::size_t all = 0;
  for (const auto& rules : sets) {
    const std::size_t count = differences(*rules);
    std::printf("%-12s %zu rules, %zu headers, %zu differences, of rte_acl %zu\n",
                rules->name.c_str(), rules->boxes.size(), rules->headers.size(), count,
                acl_differences(*rules));
    all += count;
  }
  return all == 0;
}

void add_benchmarks(const std::shared_ptr<const RuleSet>& rules) {
  add_boxes(rules, widest_simd(), "");
  if (widest_simd() > Simd::kAvx2) add_boxes(rules, Simd::kAvx2, "/avx2");
  add_boxes(rules, Simd::kPortable, "/portable");
  if (!AclTable::available()) return;
  add_acl(rules, 0, "");
  add_acl(rules, std::size_t{4000} << 20, "/4000MB");
}

}  // namespace
}  // namespace afxfw

int main(int argc, char** argv) {
  const char* folder = std::getenv("AFXFW_CLASSBENCH");
  if (folder == nullptr) {
    std::fputs("AFXFW_CLASSBENCH: set it to a folder of ClassBench rule sets\n", stderr);
    return 2;
  }
  const bool check = argc > 1 && std::string_view(argv[1]) == "--check";
  const auto sets = afxfw::read_sets(folder, check ? afxfw::kCheckedHeaders : afxfw::kHeaders);
  if (check) return afxfw::check_all(sets) ? 0 : 1;
  for (const auto& rules : sets) afxfw::add_benchmarks(rules);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
