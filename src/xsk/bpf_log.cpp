#include "xsk/bpf_log.h"

#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include <cstdarg>
#include <cstdio>
#include <string_view>

#include "util/log.h"

namespace afxfw {

namespace {
thread_local BpfMessages* current_messages = nullptr;
}

void record_bpf_line(const std::string& line) {
  constexpr std::string_view kMarker = "Kernel error message: ";
  const auto at = line.find(kMarker);
  if (current_messages != nullptr && at != std::string::npos) {
    current_messages->kernel_message_ = line.substr(at + kMarker.size());
  }
}

namespace {

__attribute__((format(printf, 1, 0))) void record(const char* format, va_list arguments) {
  char line[1024];
  const int length = std::vsnprintf(line, sizeof(line), format, arguments);
  if (length <= 0) return;
  std::string text(line);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  log_debug("{}", text);
  record_bpf_line(text);
}

__attribute__((format(printf, 2, 0))) int on_libbpf_line(libbpf_print_level level,
                                                         const char* format, va_list arguments) {
  if (level != LIBBPF_DEBUG) record(format, arguments);
  return 0;
}

__attribute__((format(printf, 2, 0))) int on_libxdp_line(libxdp_print_level level,
                                                         const char* format, va_list arguments) {
  if (level != LIBXDP_DEBUG) record(format, arguments);
  return 0;
}

}  // namespace

void capture_bpf_library_output() {
  libbpf_set_print(on_libbpf_line);
  libxdp_set_print(on_libxdp_line);
}

BpfMessages::BpfMessages() noexcept { current_messages = this; }
BpfMessages::~BpfMessages() { current_messages = nullptr; }

}  // namespace afxfw
