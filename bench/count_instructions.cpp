#include "count_instructions.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace afxfw {
namespace {

[[noreturn]] void run_child(const std::function<void()>& work) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
  // Two stops that the parent tells from single steps by their signal.
  raise(SIGUSR1);
  work();
  raise(SIGUSR2);
  _exit(0);
}

void require(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

/// Waits for the child to stop; returns by which signal.
int wait_for_stop(pid_t child) {
  int status = 0;
  require(waitpid(child, &status, 0) == child, "waitpid");
  if (!WIFSTOPPED(status)) {
    errno = ECHILD;
    require(false, "the child that is counted ended early");
  }
  return WSTOPSIG(status);
}

}  // namespace

std::uint64_t count_instructions(const std::function<void()>& work) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) run_child(work);
  while (wait_for_stop(child) != SIGUSR1) {
    require(ptrace(PTRACE_CONT, child, nullptr, nullptr) == 0, "ptrace");
  }
  std::uint64_t steps = 0;
  do {
    require(ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) == 0, "ptrace");
    ++steps;
  } while (wait_for_stop(child) != SIGUSR2);
  ptrace(PTRACE_KILL, child, nullptr, nullptr);
  waitpid(child, nullptr, 0);
  return steps;
}

}  // namespace afxfw
