#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/packet_capture.h"
#include "protocol/capture_records.h"
#include "util/fd.h"
#include "util/json.h"

namespace afxfw {

/// Sends a running capture to one client, on a thread of its own: neither workers nor
/// the control server wait for it. What the client does not take stays in the workers'
/// queues, and what has no room there is left out and counted.
///
/// It ends when the client says something, closes its end or goes, and when the capture
/// is over by itself. What was captured before that is still sent, if the client takes
/// it in kFinishTime, and then what came of all packets.
class CaptureSender {
 public:
  static constexpr std::chrono::seconds kFinishTime{1};

  /// connection: a stream socket, -1 if the client has gone already. client: who it is,
  /// for the log. Throws std::system_error if there can be no thread.
  CaptureSender(Fd connection, std::shared_ptr<PacketCapture> capture, std::string client);
  /// Ends it, within kFinishTime.
  ~CaptureSender();
  CaptureSender(const CaptureSender&) = delete;
  CaptureSender& operator=(const CaptureSender&) = delete;

  /// Nothing is left to do but to close the connection: the destructor does not wait.
  /// Any thread.
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  /// Sends the rest.
  void finish();
  void close_capture();
  /// Until there is something to do.
  void wait();
  /// False: some have been left in the queues, because enough is to be sent.
  bool read_packets();
  void send();
  void append_tallies(bool final);

  Fd connection_;
  Fd stop_;  // an eventfd
  std::shared_ptr<PacketCapture> capture_;
  std::string client_;
  std::vector<std::uint8_t> place_of_;  // in the answer's `verdicts`, by DropReason

  // The thread's.
  std::string output_;
  std::size_t sent_ = 0;  // of output_
  std::size_t next_tap_ = 0;
  std::uint64_t packets_ = 0;
  bool closing_ = false;   // close() has been called
  bool stopping_ = false;  // by the destructor
  Clock::time_point stop_deadline_{};

  std::atomic<bool> ended_{false};
  std::thread thread_;
};

/// The answer to a request for this capture.
[[nodiscard]] Json capture_json(const PacketCapture& capture, const std::string& interface);

}  // namespace afxfw
