/// core-distance CPU CPU: prints how many nanoseconds it takes until a cache line that one CPU
/// writes has been answered by the other, by median. Where a hypervisor moves virtual CPUs about,
/// it tells whether two of them are near each other at the moment, behind one cache.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <thread>
#include <vector>

#include "util/cpu.h"
#include "util/error.h"

namespace afxfw::bench {

namespace {

constexpr std::size_t kSamples = 101;
constexpr std::uint32_t kTripsASample = 1000;

/// Written in turns: odd by one side, even by the other.
struct alignas(128) Ball {
  std::atomic<std::uint32_t> turn{0};
};

void wait_for(const Ball& ball, std::uint32_t turn) {
  while (ball.turn.load(std::memory_order_acquire) != turn) {
  }
}

/// From the CPU of the calling thread.
double round_trip_ns(int other_cpu) {
  Ball ball;
  const auto trips = static_cast<std::uint32_t>(kSamples) * kTripsASample;
  std::thread answering([&] {
    pin_this_thread(other_cpu);
    for (std::uint32_t trip = 0; trip < trips; ++trip) {
      wait_for(ball, 2 * trip + 1);
      ball.turn.store(2 * trip + 2, std::memory_order_release);
    }
  });
  std::array<double, kSamples> samples{};
  std::uint32_t turn = 0;
  for (double& sample : samples) {
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint32_t trip = 0; trip < kTripsASample; ++trip) {
      ball.turn.store(++turn, std::memory_order_release);
      wait_for(ball, ++turn);
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    sample = took.count() / kTripsASample;
  }
  answering.join();
  std::nth_element(samples.begin(), samples.begin() + kSamples / 2, samples.end());
  return samples[kSamples / 2];
}

int run(int argc, const char* const* argv) {
  if (argc != 3) throw Error("usage: core-distance CPU CPU", ExitCode::kUsage);
  const std::vector<int> one = parse_cpu_list(argv[1], "the first CPU");
  const std::vector<int> other = parse_cpu_list(argv[2], "the second CPU");
  if (one.size() != 1 || other.size() != 1 || one == other) {
    throw Error("core-distance takes two different CPUs", ExitCode::kUsage);
  }
  // The other one, too, here, where an error can be told.
  pin_this_thread(other.front());
  pin_this_thread(one.front());
  std::cout << round_trip_ns(other.front()) << '\n';
  return 0;
}

}  // namespace

}  // namespace afxfw::bench

int main(int argc, char** argv) {
  try {
    return afxfw::bench::run(argc, argv);
  } catch (const afxfw::Error& error) {
    std::cerr << "core-distance: " << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
