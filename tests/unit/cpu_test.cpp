#include "util/cpu.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <string>
#include <thread>
#include <vector>

#include "util/error.h"

namespace afxfw {
namespace {

TEST(CpuList, RangesAndSingles) {
  EXPECT_EQ(parse_cpu_list("3"), (std::vector<int>{3}));
  EXPECT_EQ(parse_cpu_list("2-5"), (std::vector<int>{2, 3, 4, 5}));
  EXPECT_EQ(parse_cpu_list("0,2,4-6"), (std::vector<int>{0, 2, 4, 5, 6}));
}

class BadCpuList : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Texts, BadCpuList,
                         testing::Values("", ",", "1,", "a", "1-", "-1", "1-x", "3-2", "1 ", "0x1",
                                         "99999999999", "1024"));

TEST_P(BadCpuList, IsAUsageError) {
  try {
    (void)parse_cpu_list(GetParam());
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
  }
}

TEST(PinThisThread, MovesTheThreadThere) {
  const int cpu = allowed_cpus().back();
  std::thread([cpu] {
    pin_this_thread(cpu);
    EXPECT_EQ(sched_getcpu(), cpu);
    EXPECT_EQ(allowed_cpus(), std::vector<int>{cpu});
  }).join();
}

TEST(KeepThisThreadOn, HoldsForThreadsThatItStarts) {
  const std::vector<int> last{allowed_cpus().back()};
  std::thread([&last] {
    EXPECT_TRUE(keep_this_thread_on(last));
    std::thread([&last] { EXPECT_EQ(allowed_cpus(), last); }).join();
  }).join();
}

TEST(KeepThisThreadOn, ChangesNothingIfTheKernelRefuses) {
  std::thread([] {
    const std::vector<int> before = allowed_cpus();
    EXPECT_FALSE(keep_this_thread_on({}));
    EXPECT_EQ(allowed_cpus(), before);
  }).join();
}

}  // namespace
}  // namespace afxfw
