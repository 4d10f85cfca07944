#include "util/cpu.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "util/error.h"

namespace afxfw {

namespace {

int parse_cpu(std::string_view text, std::string_view whole, std::string_view option) {
  int cpu = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  if (error != std::errc{} || end != text.data() + text.size() || cpu < 0 || cpu >= CPU_SETSIZE) {
    throw Error(
        fmt::format("{}: '{}' is not a CPU in the list '{}'; write for example 2-9 or 0,2,4",
                    option, text, whole),
        ExitCode::kUsage);
  }
  return cpu;
}

/// Returns 0, or an errno value.
int set_affinity(const std::vector<int>& cpus) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  return pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

}  // namespace

std::vector<int> parse_cpu_list(std::string_view text, std::string_view option) {
  std::vector<int> cpus;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    const std::size_t dash = part.find('-');
    const int first = parse_cpu(part.substr(0, dash), text, option);
    const int last =
        dash == std::string_view::npos ? first : parse_cpu(part.substr(dash + 1), text, option);
    if (last < first) {
      throw Error(fmt::format("{}: the CPU range '{}' runs backwards", option, part),
                  ExitCode::kUsage);
    }
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    begin = end + 1;
  }
  return cpus;
}

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) {
    throw errno_error("cannot read the CPUs this process may use", errno);
  }
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void pin_this_thread(int cpu) {
  if (const int result = set_affinity({cpu}); result != 0) {
    throw errno_error(fmt::format("cannot pin a worker to CPU {}", cpu), result, ExitCode::kUsage);
  }
}

bool keep_this_thread_on(const std::vector<int>& cpus) noexcept { return set_affinity(cpus) == 0; }

void name_this_thread(const std::string& thread_name) noexcept {
  constexpr std::size_t kLongest = 15;
  pthread_setname_np(pthread_self(), thread_name.substr(0, kLongest).c_str());
}

void be_woken_on_time() noexcept {
  constexpr unsigned long kTimerSlackNs = 1;
  prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
}

}  // namespace afxfw
