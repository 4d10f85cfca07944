#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/packet_view.h"
#include "pipeline/flow_candidates.h"
#include "rules/publisher.h"
#include "rules/verdict.h"
#include "util/fd.h"
#include "worker/capture_tap.h"
#include "worker/packet_record.h"
#include "worker/reinjector.h"
#include "worker/source_windows.h"
#include "worker/worker_stats.h"
#include "xsk/flow_table.h"
#include "xsk/frame_area.h"
#include "xsk/frame_pool.h"
#include "xsk/xsk_socket.h"

namespace afxfw {

/// Where accepted packets go.
enum class ReinjectTarget {
  kNone,       ///< nowhere: counted only
  kSameQueue,  ///< back out of the queue they came from
  kInterface,  ///< out of another interface (the veth pair to the stack is one)
};

struct WorkerOptions {
  std::string interface;
  std::uint32_t queue_id = 0;
  int cpu = 0;
  RingSizes ring_sizes;
  std::uint32_t frames = 8192;      ///< frames of packet memory
  std::uint32_t frame_size = 2048;  ///< bytes: 2048 or 4096
  std::uint32_t batch = 64;         ///< packets at a time, at most kMaxBatch
  ZeroCopy zero_copy = ZeroCopy::kAuto;
  bool busy_poll = false;
  std::chrono::microseconds coalesce{0};  ///< pause when the ring is empty; 0: spin
  ReinjectTarget reinject = ReinjectTarget::kInterface;
  std::string reinject_interface;  ///< for kInterface
  std::uint32_t reinject_queue = 0;
  ZeroCopy reinject_zero_copy = ZeroCopy::kOff;
  bool finish_checksums = false;  ///< the driver hands over partial checksums
  PacketLogMode log_mode = PacketLogMode::kNone;
  std::optional<FlowTable> flow_table;  ///< of the fast path, for reinjection to the stack only
  std::uint32_t flow_table_size = 0;    ///< flows that it holds, of each family
};

/// What status says about a worker's sockets.
struct WorkerSetup {
  bool zero_copy = false;
  bool need_wakeup = false;
  std::optional<int> zero_copy_errno;  ///< of a refused zero-copy bind
  PageKind pages = PageKind::kOrdinary;
  bool reinject_zero_copy = false;    ///< false also if nothing is sent anywhere
  bool reinject_shares_umem = false;  ///< sent from the memory registered for receiving
};

/// One receive queue's packets, from the RX ring to their verdict and on: the
/// one place where packets meet rules. Run to completion on one pinned thread:
/// that thread calls open(), run() and close(), in this order; other threads
/// call only what says so.
class Worker {
 public:
  static constexpr std::uint32_t kMaxBatch = 256;

  /// reader: this worker's index with `publisher`. Both outlive the worker.
  Worker(WorkerOptions options, RuleSetPublisher& publisher, std::size_t reader);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Pins the thread, makes packet memory and sockets, fills the fill ring. On
  /// return the socket can receive. Throws Error.
  void open();

  /// Works until request_stop(), then takes what is still in the RX ring and
  /// waits, for a bounded time, until everything accepted has been sent.
  void run() noexcept;

  /// One batch: completions, receive, classify, reinject, refill. Returns the
  /// number of packets received.
  std::uint32_t run_once() noexcept;

  /// Makes run() drain and return. The caller has made sure that the kernel
  /// sends no further packets here. Any thread.
  void request_stop() noexcept;

  // Any thread, after open().
  [[nodiscard]] const WorkerOptions& options() const noexcept { return options_; }
  [[nodiscard]] const WorkerSetup& setup() const noexcept { return setup_; }
  [[nodiscard]] int socket_fd() const noexcept { return socket_->fd(); }
  [[nodiscard]] WorkerCounters counters() const { return stats_.read(); }
  /// Grows every 100 ms or so, at least, for as long as the thread gets to run.
  [[nodiscard]] std::uint64_t progress() const noexcept;
  /// What the kernel dropped on this queue's socket.
  [[nodiscard]] xdp_statistics kernel_statistics() const noexcept { return socket_->statistics(); }
  /// Whether --busy-poll has something to poll; for sure once a packet has come.
  [[nodiscard]] bool has_napi() const noexcept { return socket_->has_napi(); }
  /// Ends a sleep, so that the thread looks around at once.
  void wake() noexcept;
  /// Where a capture is attached.
  [[nodiscard]] CapturePoint& capture_point() noexcept { return capture_point_; }
  /// The logger's end of the packet log.
  [[nodiscard]] PacketRecordQueue& log_queue() noexcept { return log_queue_; }
  /// Whose packets it drops; the reader's end.
  [[nodiscard]] SourceWindows& sources() noexcept { return sources_; }

 private:
  /// What every batch does in passing, for when there is none.
  void do_between_batches() noexcept;
  /// Under load, waits a moment for more packets to be there.
  void gather() const noexcept;
  /// Checks received descriptors, parses what they point to, and leaves the good
  /// ones in descriptors_ and views_. Returns how many.
  std::uint32_t admit(std::uint32_t received) noexcept;
  void process(std::uint32_t count) noexcept;
  void log(std::uint32_t count, const RuleSetPublisher::InForce& in_force) noexcept;
  void capture(CaptureTap& tap, const CaptureTap::BatchCounts& packets,
               const RuleSet& rules) noexcept;
  /// The fast path: which flows of the batch are to be remembered, and, with nothing waiting
  /// for it any more, doing so.
  void note_flows(std::uint32_t count, const RuleSetPublisher::InForce& in_force) noexcept;
  void remember_flows() noexcept;
  void refill() noexcept;
  void sleep() noexcept;
  void drain() noexcept;
  void publish_housekeeping() noexcept;

  WorkerOptions options_;
  WorkerSetup setup_;
  RuleSetPublisher& publisher_;
  std::size_t reader_;
  Fd wake_up_;  // an eventfd: ends sleep()
  std::atomic<bool> stop_{false};

  // Memory before the sockets that the kernel uses it through.
  std::unique_ptr<FrameArea> area_;
  std::unique_ptr<FramePool> pool_;
  std::unique_ptr<XskSocket> socket_;
  std::unique_ptr<XskSocket> reinject_socket_;  // for kInterface
  std::optional<Reinjector> reinjector_;

  std::vector<xdp_desc> descriptors_;
  std::vector<PacketView> views_;
  std::vector<Verdict> verdicts_;
  std::vector<xdp_desc> outgoing_;
  std::optional<FlowCandidates> flow_candidates_;  // for the fast path
  std::uint64_t bad_descriptors_ = 0;
  std::uint32_t fill_level_ = 0;  // frames to keep out for receiving
  std::uint32_t gather_to_ = 0;   // packets that gather() does not wait with; 0: never does

  SourceWindows sources_;
  PacketRecordQueue log_queue_;
  CapturePoint capture_point_;
  WorkerStats stats_;
};

}  // namespace afxfw
