#include "xsk/umem.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>

#include "util/error.h"

namespace afxfw {

namespace {

[[noreturn]] void throw_registration_error(const FrameArea& area, int error_number) {
  const std::string operation =
      fmt::format("cannot register {} KiB of packet memory for AF_XDP", area.size_bytes() / 1024);
  if (error_number == ENOBUFS || error_number == ENOMEM) {
    rlimit limit{};
    getrlimit(RLIMIT_MEMLOCK, &limit);
    throw Error(fmt::format("{}: it exceeds the locked-memory limit of {} KiB; grant CAP_IPC_LOCK, "
                            "raise the limit (ulimit -l, LimitMEMLOCK=) or lower --frames",
                            operation, limit.rlim_cur / 1024),
                ExitCode::kPrivilege);
  }
  if (error_number == EAFNOSUPPORT) {
    throw Error(operation + ": this kernel has no AF_XDP sockets (CONFIG_XDP_SOCKETS)",
                ExitCode::kUnsupported);
  }
  throw errno_error(operation, error_number);
}

}  // namespace

Umem::Umem(const FrameArea& area, const RingSizes& sizes, FillRing& fill,
           CompletionRing& completion) {
  xsk_umem_config config{};
  config.fill_size = sizes.fill;
  config.comp_size = sizes.completion;
  config.frame_size = area.frame_size();
  config.frame_headroom = 0;
  const int result = xsk_umem__create(&umem_, area.base(), area.size_bytes(), fill.raw(),
                                      completion.raw(), &config);
  if (result != 0) throw_registration_error(area, -result);
}

Umem::~Umem() { xsk_umem__delete(umem_); }

}  // namespace afxfw
