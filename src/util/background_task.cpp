#include "util/background_task.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "util/cpu.h"
#include "util/error.h"

namespace afxfw {

namespace {

/// A tenth of the weight of a worker that shares the core, see sched(7).
constexpr int kNice = 10;

}  // namespace

BackgroundTask::BackgroundTask(const char* name)
    : name_(name), ended_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!ended_) throw errno_error("cannot create an eventfd", errno);
}

BackgroundTask::~BackgroundTask() {
  if (thread_.joinable()) thread_.join();
}

void BackgroundTask::start(std::function<void()> work) {
  assert(!running());
  thread_ = std::thread([this, work = std::move(work)] {
    name_this_thread(name_);
    // Of this thread alone, on Linux; if it is refused, packets wait a little more.
    setpriority(PRIO_PROCESS, 0, kNice);
    work();
    const std::uint64_t one = 1;
    // An eventfd takes this; there is nobody to tell if it does not.
    static_cast<void>(!write(ended_.get(), &one, sizeof(one)));
  });
}

bool BackgroundTask::finish() {
  std::uint64_t ended = 0;
  if (read(ended_.get(), &ended, sizeof(ended)) != sizeof(ended)) return false;
  thread_.join();
  return true;
}

}  // namespace afxfw
