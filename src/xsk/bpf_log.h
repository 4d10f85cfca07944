#pragma once

#include <string>

namespace afxfw {

/// Sends what libbpf and libxdp print to the log at debug level: by themselves
/// they write to stderr, also for things that are not errors here. Their own
/// debug output, hundreds of lines a load, is dropped.
void capture_bpf_library_output();

/// Runs `operation` and returns what the kernel said about its failure in the
/// meantime (netlink's extended ACK, verifier messages), empty if nothing.
class BpfMessages {
 public:
  BpfMessages() noexcept;
  ~BpfMessages();
  BpfMessages(const BpfMessages&) = delete;
  BpfMessages& operator=(const BpfMessages&) = delete;

  /// The kernel's extended ACK, "" if none came.
  [[nodiscard]] const std::string& kernel_message() const noexcept { return kernel_message_; }

 private:
  friend void record_bpf_line(const std::string& line);
  std::string kernel_message_;
};

}  // namespace afxfw
