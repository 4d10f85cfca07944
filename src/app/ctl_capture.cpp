#include "app/ctl_capture.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <string>

#include "util/fd.h"

namespace afxfw {

namespace {

/// What the signals that end a capture are told to.
int capture_end = -1;

extern "C" void end_capture(int /*signal*/) {
  const int error_number = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(capture_end, &one, sizeof(one));
  errno = error_number;
}

/// Signals that end a capture come as something to poll. A second one ends the program,
/// should something hang.
Fd watch_capture_end() {
  Fd end(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!end) throw errno_error("cannot create an eventfd", errno);
  capture_end = end.get();
  struct sigaction action {};
  action.sa_handler = end_capture;
  action.sa_flags = SA_RESETHAND;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  // A pipe whose reader has gone is told by the write.
  signal(SIGPIPE, SIG_IGN);
  return end;
}

}  // namespace

ExitCode capture(const std::function<ControlConnection()>& connect, const CaptureOptions& options) {
  if (options.file == "-" && isatty(STDOUT_FILENO) != 0) {
    throw Error(
        "a capture is nothing for a terminal; pipe it: afxfwctl capture -w - | tcpdump -r -",
        ExitCode::kUsage);
  }
  Capture capture(options, "afxfwctl " AFXFW_VERSION);
  ControlConnection connection = connect();
  const Fd end = watch_capture_end();
  const std::string begun = capture.begin(connection);
  std::cerr << "afxfwctl: " << begun << std::flush;
  const CaptureTotals totals = capture.run(connection, end.get());
  std::cerr << totals_text(totals, !options.filter.empty());
  if (totals.error) throw Error(*totals.error);
  if (totals.afxfw_ended) throw Error("afxfw has ended, and the capture with it");
  return ExitCode::kOk;
}

}  // namespace afxfw
