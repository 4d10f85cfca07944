// Look-ups in the address tables in batches of 64, side by side with DPDK's rte_fib and
// rte_fib6, if they were there at build time, and with the kernel's LPM trie, for root.
// items_per_second are look-ups; table_bytes and build_ms what the table took, in
// processor time with its page faults. DPDK's look-up function is the one that is
// quickest for the stream, named in the label; its tables are on huge pages, as ours are,
// unless AFXFW_DPDK_SMALL_PAGES is set.
//
// Prefixes: mixed ones (address_data.h), and single addresses of AFXFW_BLOCKLIST, a list
// file, or of bench/data.
//
// Every answer is compared with those of PrefixSet before anything is measured.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include "address_data.h"
#include "fib_table.h"
#include "kernel_trie.h"
#include "rules/list_parser.h"
#include "rules/prefix_set.h"
#include "util/file.h"

namespace afxfw {
namespace {

constexpr std::size_t kBatch = 64;
// Asked in a cycle: far more than have a place in a CPU's own caches, with what they touch.
constexpr std::size_t kQueries = std::size_t{1} << 20;

struct NamedStream {
  std::string_view name;
  Stream stream;
};
constexpr std::array<NamedStream, 3> kStreams = {
    {{"uniform", Stream::kUniform}, {"hit", Stream::kHit}, {"zipf", Stream::kZipf}}};

// Made when first asked for.
template <typename Value>
class Lazy {
 public:
  explicit Lazy(std::function<Value()> make) : make_(std::move(make)) {}
  Value& get() {
    if (!value_) {
      const std::clock_t start = std::clock();
      value_.emplace(make_());
      milliseconds_ = 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    }
    return *value_;
  }
  // Of processor time, making it.
  [[nodiscard]] double milliseconds() const { return milliseconds_; }

 private:
  std::function<Value()> make_;
  std::optional<Value> value_;
  double milliseconds_ = 0;
};

template <typename Bits>
std::vector<typename FibTable<Bits>::Query> to_fib_queries(const std::vector<Bits>& addresses) {
  if constexpr (std::is_same_v<Bits, Ipv4Bits>) {
    return addresses;
  } else {
    std::vector<typename FibTable<Bits>::Query> result(addresses.size());
    for (std::size_t i = 0; i < result.size(); ++i) {
      for (std::size_t byte = 0; byte < sizeof(Bits); ++byte) {
        result[i][sizeof(Bits) - 1 - byte] = static_cast<std::uint8_t>(addresses[i] >> (8 * byte));
      }
    }
    return result;
  }
}

// A table of DPDK's with the queries of a stream.
template <typename Bits>
class FibStream {
 public:
  using Query = typename FibTable<Bits>::Query;

  FibStream(FibTable<Bits>& table, const std::vector<Bits>& asked)
      : table_(table), queries_(to_fib_queries(asked)) {
    std::clock_t least = std::numeric_limits<std::clock_t>::max();
    for (const std::string_view type : table_.lookup_types()) {
      // Not all are there on each CPU.
      if (!table_.select(type)) continue;
      for (int round = 0; round < 3; ++round) {
        const std::clock_t start = std::clock();
        for (std::size_t first = 0; first < kQueries; first += kBatch) next_batch();
        const std::clock_t took = std::clock() - start;
        if (took < least) best_ = type;
        least = std::min(least, took);
      }
    }
  }

  // Selects the look-up function that is quickest over all queries and returns its name.
  std::string_view select_best() {
    table_.select(best_);
    return best_;
  }

  void next_batch() {
    table_.lookup(std::span<Query>(queries_).subspan(next_, kBatch), next_hops_);
    benchmark::DoNotOptimize(next_hops_);
    next_ = (next_ + kBatch) % kQueries;
  }

  [[nodiscard]] bool answers_as(const PrefixSet<Bits>& set, const std::vector<Bits>& asked) {
    for (std::size_t queries = 0; queries < kQueries; queries += kBatch) {
      const std::size_t first = next_;
      next_batch();
      for (std::size_t i = 0; i < kBatch; ++i) {
        if ((next_hops_[i] != 0) != set.contains(asked[first + i])) return false;
      }
    }
    return true;
  }

 private:
  FibTable<Bits>& table_;
  std::vector<Query> queries_;
  std::string_view best_;
  std::array<std::uint64_t, kBatch> next_hops_{};
  std::size_t next_ = 0;
};

// A set of prefixes, the tables made from it and what they are asked.
template <typename Bits>
struct Case {
  explicit Case(std::function<std::vector<Prefix>()> make_prefixes)
      : prefixes(std::move(make_prefixes)),
        ours([this] { return PrefixSet<Bits>::build(prefixes.get()); }),
        fib([this] { return FibTable<Bits>::build(prefixes.get()); }),
        kernel([this] { return KernelTrie<Bits>::build(prefixes.get()); }) {}

  const std::vector<Bits>& asked(Stream stream) {
    auto& addresses = addresses_[static_cast<std::size_t>(stream)];
    if (addresses.empty()) addresses = queries<Bits>(prefixes.get(), stream, kQueries);
    return addresses;
  }

  // There has to be a table.
  FibStream<Bits>& asked_of_fib(Stream stream) {
    auto& queries = fib_streams_[static_cast<std::size_t>(stream)];
    if (!queries) queries.emplace(*fib.get(), asked(stream));
    return *queries;
  }

  Lazy<std::vector<Prefix>> prefixes;
  Lazy<PrefixSet<Bits>> ours;
  Lazy<std::unique_ptr<FibTable<Bits>>> fib;
  Lazy<KernelTrie<Bits>> kernel;

 private:
  std::array<std::vector<Bits>, kStreams.size()> addresses_;
  std::array<std::optional<FibStream<Bits>>, kStreams.size()> fib_streams_;
};

void report(benchmark::State& state, double build_ms, std::size_t table_bytes) {
  state.SetItemsProcessed(static_cast<std::int64_t>(kBatch) * state.iterations());
  state.counters["build_ms"] = build_ms;
  state.counters["table_bytes"] = static_cast<double>(table_bytes);
}

template <typename Bits>
void ask_ours(benchmark::State& state, Case<Bits>& data, Stream stream) {
  const std::span<const Bits> asked = data.asked(stream);
  const PrefixSet<Bits>& set = data.ours.get();
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(set.members(asked.subspan(next, kBatch)));
    next = (next + kBatch) % kQueries;
  }
  report(state, data.ours.milliseconds(), set.memory_bytes());
}

template <typename Bits>
void ask_fib(benchmark::State& state, Case<Bits>& data, Stream stream) {
  const std::vector<Bits>& asked = data.asked(stream);
  const auto& table = data.fib.get();
  if (table == nullptr) return state.SkipWithError("DPDK makes no table of these prefixes");
  FibStream<Bits>& queries = data.asked_of_fib(stream);
  state.SetLabel(std::string(queries.select_best()));
  if (!queries.answers_as(data.ours.get(), asked)) {
    return state.SkipWithError("DPDK answers otherwise");
  }
  for (auto _ : state) queries.next_batch();
  report(state, data.fib.milliseconds(), table->memory_bytes());
}

template <typename Bits>
void ask_kernel(benchmark::State& state, Case<Bits>& data, Stream stream) {
  // A cycle of queries.
  constexpr std::uint32_t kRuns = KernelTrie<Bits>::kQueries / kBatch;
  static_assert(KernelTrie<Bits>::kBatch == kBatch);
  if (geteuid() != 0) return state.SkipWithError("BPF_PROG_TEST_RUN needs root");
  try {
    const std::vector<Bits>& asked = data.asked(stream);
    KernelTrie<Bits>& trie = data.kernel.get();
    trie.set_queries(asked);
    const auto last = asked.begin() + KernelTrie<Bits>::kQueries;
    const auto members = std::count_if(
        asked.begin(), last, [&](Bits address) { return data.ours.get().contains(address); });
    if (trie.run(kRuns) != static_cast<std::uint64_t>(members)) {
      return state.SkipWithError("the kernel answers otherwise");
    }
    for (auto _ : state) trie.run(kRuns);
    report(state, data.kernel.milliseconds(), 0);
    state.SetItemsProcessed(static_cast<std::int64_t>(kBatch) * kRuns * state.iterations());
  } catch (const std::system_error& error) {
    state.SkipWithError(error.what());
  }
}

template <typename Bits>
void add_case(const std::string& name, const std::function<std::vector<Prefix>()>& prefixes) {
  const auto data = std::make_shared<Case<Bits>>(prefixes);
  const std::string family = std::is_same_v<Bits, Ipv4Bits> ? "ipv4" : "ipv6";
  for (const NamedStream& named : kStreams) {
    const auto add = [&, stream = named.stream](const std::string& table, auto ask) {
      benchmark::RegisterBenchmark(
          fmt::format("{}/{}/{}/{}", family, name, named.name, table).c_str(),
          [=](benchmark::State& state) { ask(state, *data, stream); });
    };
    add("ours", ask_ours<Bits>);
    if (FibTable<Bits>::available()) add("rte_fib", ask_fib<Bits>);
    add("kernel", ask_kernel<Bits>);
  }
}

std::vector<Prefix> read_blocklist() {
  const char* given = std::getenv("AFXFW_BLOCKLIST");
  const std::string path = given != nullptr ? given : AFXFW_BENCH_DATA "/ipsum-level1.txt";
  return parse_list(read_file(path), path).value().prefixes;
}

void add_all() {
  for (const auto& [name, count] :
       {std::pair{"10k", 10'000}, std::pair{"100k", 100'000}, std::pair{"1M", 1'000'000}}) {
    const auto size = static_cast<std::size_t>(count);
    add_case<Ipv4Bits>(name, [size] { return mixed_prefixes<Ipv4Bits>(size); });
    add_case<Ipv6Bits>(name, [size] { return mixed_prefixes<Ipv6Bits>(size); });
  }
  add_case<Ipv4Bits>("blocklist", read_blocklist);
}

}  // namespace
}  // namespace afxfw

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  afxfw::add_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
