// What a worker does with a packet apart from the rings: parse, allowlist, blocklist
// of a million prefixes, 1,000 rules, a sketch of whose packets it drops. One fixed trace of TCP
// packets in batches of 64. per_packet is the time of one packet.
//
//   pipeline-bench                   Google Benchmark, its own options
//   pipeline-bench --instructions    counts instructions a packet, step by step, with all that this
//                                    CPU has (AVX-512)
//   pipeline-bench --once            judges the trace once and prints how many packets that were;
//                                    what bench/instructions counts, by callgrind, with AVX2

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "count_instructions.h"
#include "net/byte_order.h"
#include "pipeline/classifier.h"
#include "pipeline/source_sampler.h"
#include "pipeline/space_saving.h"

namespace afxfw {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kPackets = std::size_t{1} << 15;  // 2 MB of frames: more than the L1 has
constexpr std::size_t kFrameBytes = 64;
constexpr std::size_t kBlocked = 1'000'000;
constexpr std::size_t kAllowed = 1'000;
constexpr std::size_t kRules = 1'000;

std::mt19937 random_source(1);

std::uint32_t random_below(std::uint32_t limit) {
  return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random_source);
}

std::uint32_t random_address() { return random_below(0xe000'0000); }

std::vector<Prefix> random_prefixes(std::size_t count) {
  std::vector<Prefix> prefixes;
  prefixes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    prefixes.push_back(Prefix::ipv4(random_address(), 20 + random_below(13)));
  }
  return prefixes;
}

/// What a rule is for, and a packet that it matches.
struct Flow {
  std::uint32_t source = 0;
  std::uint32_t destination = 0;
  std::uint16_t port = 0;
};

std::string rule_for(const Flow& flow, std::size_t index) {
  const std::string source = to_string(Prefix::ipv4(flow.source, 24));
  const std::string destination =
      to_string(Prefix::ipv4(flow.destination, 16 + static_cast<unsigned>(index % 17)));
  const std::string_view verdict = index % 2 == 0 ? "accept" : "drop";
  if (index % 4 == 0) return fmt::format("ip saddr {} counter {}", source, verdict);
  if (index % 4 == 1)
    return fmt::format("ip daddr {} tcp dport {} counter {}", destination, flow.port, verdict);
  return fmt::format("ip saddr {} ip daddr {} tcp dport {}-{} counter {}", source, destination,
                     flow.port, flow.port + index % 100, verdict);
}

class Trace {
 public:
  Trace() {
    const std::vector<Prefix> block = random_prefixes(kBlocked);
    const std::vector<Prefix> allow = random_prefixes(kAllowed);
    std::vector<Flow> flows;
    RuleSetSources sources;
    std::string rules =
        "table netdev t {\nchain in {\ntype filter hook ingress device \"eth0\" priority 0;\n";
    for (std::size_t i = 0; i < kRules; ++i) {
      flows.push_back({random_address(), random_address(),
                       static_cast<std::uint16_t>(1024 + random_below(60'000))});
      rules += rule_for(flows.back(), i) + "\n";
    }
    sources.rules = nft::SourceFile{"rules", rules + "}\n}\n"};
    sources.blocklists.push_back({"block", lines(block)});
    sources.allowlists.push_back({"allow", lines(allow)});
    auto compiled = compile(sources, 1);
    if (!compiled) {
      std::fprintf(stderr, "%s\n", to_string(compiled.error()).c_str());
      std::abort();
    }
    rules_ = std::move(compiled->rules);
    evaluation_ = std::make_unique<Evaluation>(rules_->counter_slots());
    for (std::size_t i = 0; i < kPackets; ++i) add_packet(block, allow, flows);
    views_.resize(kBatch);
    verdicts_.resize(kBatch);
  }

  /// first: of a batch.
  [[gnu::noinline]] void judge(std::size_t first) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      __builtin_prefetch(frames_[first + i].data());
    }
    // As a worker does it.
    for (std::size_t i = 0; i < kBatch; ++i) parse_to(views_[i], frames_[first + i]);
    classify(*rules_, views_, verdicts_, *evaluation_);
    sampler_.count(views_, verdicts_, sketch_);
  }

  [[nodiscard]] std::span<const Verdict> verdicts() const { return verdicts_; }

 private:
  using Frame = std::array<std::byte, kFrameBytes>;

  static std::string lines(const std::vector<Prefix>& prefixes) {
    std::string text;
    for (const Prefix& prefix : prefixes) text += to_string(prefix) + "\n";
    return text;
  }

  // A quarter is blocked, a few are allowed, half of the rest meets a rule.
  void add_packet(const std::vector<Prefix>& block, const std::vector<Prefix>& allow,
                  const std::vector<Flow>& flows) {
    Flow flow{random_address(), random_address(), static_cast<std::uint16_t>(random_below(65'536))};
    const std::uint32_t kind = random_below(100);
    const auto inside = [](const Prefix& prefix) {
      return static_cast<std::uint32_t>(prefix.first()) |
             (random_address() & static_cast<std::uint32_t>(prefix.first() ^ prefix.last()));
    };
    if (kind < 25) {
      flow.source = inside(block[random_below(kBlocked)]);
    } else if (kind < 27) {
      flow.source = inside(allow[random_below(kAllowed)]);
    } else if (kind < 64) {
      flow = flows[random_below(kRules)];
    }
    Frame frame{};
    frame[12] = std::byte{0x08};
    frame[14] = std::byte{0x45};
    store_be16(&frame[16], kFrameBytes - 14);
    frame[22] = std::byte{64};
    frame[23] = std::byte{IPPROTO_TCP};
    for (std::size_t i = 0; i < 4; ++i) {
      frame[26 + i] = static_cast<std::byte>(flow.source >> (24 - 8 * i));
      frame[30 + i] = static_cast<std::byte>(flow.destination >> (24 - 8 * i));
    }
    store_be16(&frame[34], 40'000);
    store_be16(&frame[36], flow.port);
    frame[46] = std::byte{0x50};
    frames_.push_back(frame);
  }

  std::unique_ptr<const RuleSet> rules_;
  std::unique_ptr<Evaluation> evaluation_;
  std::vector<Frame> frames_;
  std::vector<PacketView> views_;
  std::vector<Verdict> verdicts_;
  SpaceSaving sketch_{256, 1};  // as many counters as SourceWindows has
  SourceSampler sampler_{1};
};

void judge_trace(benchmark::State& state) {
  static Trace trace;  // takes seconds to make
  std::size_t next = 0;
  for (auto _ : state) {
    trace.judge(next);
    benchmark::DoNotOptimize(trace.verdicts().data());
    next = (next + kBatch) % kPackets;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kBatch) * state.iterations());
  state.counters["per_packet"] =
      benchmark::Counter(static_cast<double>(kBatch) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK(judge_trace);

int judge_once() {
  Trace trace;
  std::array<std::size_t, kDropReasonCount> reasons{};
  for (std::size_t first = 0; first < kPackets; first += kBatch) {
    trace.judge(first);
    for (const Verdict& verdict : trace.verdicts()) {
      ++reasons[static_cast<std::size_t>(verdict.reason)];
    }
  }
  std::printf("%zu packets:", kPackets);
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    std::printf(" %s %zu", i == 0 ? "accepted" : kDropReasonNames[i].data(), reasons[i]);
  }
  std::printf("\n");
  return 0;
}

int count() {
  constexpr std::size_t kCounted = 512;  // a step takes up to 80 us in a virtual machine
  Trace trace;
  const auto judge = [&](std::size_t packets) {
    return count_instructions([&] {
      for (std::size_t first = 0; first < packets; first += kBatch) trace.judge(first);
    });
  };
  // What is in front of the work and behind it goes out by the difference.
  const std::uint64_t instructions = judge(kCounted) - judge(0);
  std::printf("%.1f instructions a packet, of %zu\n", static_cast<double>(instructions) / kCounted,
              kCounted);
  return 0;
}

}  // namespace
}  // namespace afxfw

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--once") return afxfw::judge_once();
  if (argc == 2 && std::string_view(argv[1]) == "--instructions") return afxfw::count();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
