#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <system_error>

#include "harness/packet.h"
#include "program_under_test.h"

namespace afxfw::test {
namespace {

/// Exit status of `body` in a child process; 99 if it threw.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      ::_exit(body());
    } catch (...) {
      ::_exit(99);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Keeps these capabilities only.
void keep_capabilities(std::initializer_list<unsigned> capabilities) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  for (const unsigned capability : capabilities) {
    sets[capability / 32].effective |= 1U << capability % 32;
    sets[capability / 32].permitted |= 1U << capability % 32;
  }
  if (::syscall(SYS_capset, &header, sets.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "capset");
  }
}

TEST(Load, TakesNoMoreThanTheseCapabilities) {
  AFXFW_SKIP_WITHOUT_BPF();
  const auto load = [] {
    keep_capabilities({CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW, CAP_PERFMON, CAP_IPC_LOCK});
    ProgramUnderTest program(default_policy());
    program.add_socket(0);
    return 0;
  };
  EXPECT_EQ(in_child(load), 0);
}

TEST(Load, IsRefusedWithoutCapBpf) {
  AFXFW_SKIP_WITHOUT_BPF();
  const auto load = [] {
    keep_capabilities({CAP_NET_ADMIN, CAP_NET_RAW, CAP_PERFMON, CAP_IPC_LOCK});
    try {
      ProgramUnderTest program(default_policy());
    } catch (const std::system_error& error) {
      return error.code().value();
    }
    return 0;
  };
  EXPECT_EQ(in_child(load), EPERM);
}

/// Redirects by the receive queue, on a veth with four in a network namespace
/// that ends with the child.
TEST(Load, RedirectsToTheSocketOfTheQueue) {
  AFXFW_SKIP_WITHOUT_BPF();
  const auto body = [] {
    if (::unshare(CLONE_NEWNET) != 0) return 1;
    if (std::system("ip link add afxbpf0 numrxqueues 4 numtxqueues 4 type veth "
                    "peer name afxbpf1 numrxqueues 4 numtxqueues 4") != 0) {
      return 2;
    }
    const unsigned interface_index = if_nametoindex("afxbpf0");
    const Bytes frame = (Ethernet{} / Ipv4{} / Tcp{}).bytes();
    ProgramUnderTest program(default_policy());
    program.add_socket(2);
    for (unsigned queue = 0; queue < 4; ++queue) {
      const Judgement judgement = program.run(frame, interface_index, queue);
      if (judgement.outcome != (queue == 2 ? AFXFW_REDIRECT : AFXFW_FALLBACK)) {
        return 10 + static_cast<int>(queue);
      }
      if (judgement.action != (queue == 2 ? XDP_REDIRECT : XDP_PASS)) {
        return 20 + static_cast<int>(queue);
      }
    }
    return 0;
  };
  EXPECT_EQ(in_child(body), 0);
}

}  // namespace
}  // namespace afxfw::test
