#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "worker/packet_record.h"

namespace afxfw {

/// "src=198.51.100.7 dst=192.0.2.1 proto=tcp dport=443 action=drop
/// reason=blocklist sport=40000 len=60 queue=0", in one line without a newline.
/// Ports only where the packet has them, addresses only when it is IP. A rule's
/// prefix stands in front, as it is.
[[nodiscard]] std::string format_record(const PacketRecord& record);

/// Turns the workers' records into lines on a thread of its own.
class PacketLogger {
 public:
  /// Receives whole lines, each with its newline; called on the logger's thread.
  using Output = std::function<void(std::string_view lines)>;

  /// queues: one a worker, outliving this. rate: lines a second, with bursts of
  /// one second's worth; 0: no limit.
  PacketLogger(std::vector<PacketRecordQueue*> queues, std::uint32_t rate, Output output);
  ~PacketLogger() { stop(); }
  PacketLogger(const PacketLogger&) = delete;
  PacketLogger& operator=(const PacketLogger&) = delete;

  /// Empties the queues a last time and ends the thread. The counters stay.
  void stop() noexcept;

  // Any thread.
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_.load(); }
  /// Records over the rate.
  [[nodiscard]] std::uint64_t suppressed() const noexcept { return suppressed_.load(); }

 private:
  void run();
  /// Prints what is there, `allowance` lines at most. Returns the lines printed.
  std::uint64_t visit(std::uint64_t allowance);

  std::vector<PacketRecordQueue*> queues_;
  std::uint32_t rate_;
  Output output_;
  std::atomic<std::uint64_t> lines_{0};
  std::atomic<std::uint64_t> suppressed_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace afxfw
