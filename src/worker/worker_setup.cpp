#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "util/cpu.h"
#include "util/error.h"
#include "worker/worker.h"

namespace afxfw {

namespace {

/// Under load, a worker behind a copying kernel that finds fewer packets than
/// these lets more gather. Right on its heels, it would take the cache lines that
/// the other CPU is about to use: 4 % of the rate at 8 million packets a second.
constexpr std::uint32_t kGatheredPackets = 256;

/// Frames that the driver of another interface gets for what that receives: a
/// socket without copies takes over the queue's receive side too, whose packets
/// go on to the host's stack, and the frames back to the driver. As many as the
/// descriptors that drivers have by default, which is 256 to 1,024; behind the
/// pool's frames, which never see them again.
constexpr std::uint32_t kLentFrames = 1024;

}  // namespace

Worker::Worker(WorkerOptions options, RuleSetPublisher& publisher, std::size_t reader)
    : options_(std::move(options)),
      publisher_(publisher),
      reader_(reader),
      wake_up_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      descriptors_(options_.batch),
      views_(options_.batch),
      verdicts_(options_.batch),
      outgoing_(options_.batch),
      log_queue_(kPacketRecordQueueSize) {
  if (!wake_up_) throw errno_error("cannot create an eventfd", errno);
  if (options_.flow_table) flow_candidates_.emplace(options_.flow_table_size);
}

Worker::~Worker() = default;

void Worker::open() {
  name_this_thread(fmt::format("afxfw/q{}", options_.queue_id));
  pin_this_thread(options_.cpu);
  if (options_.coalesce.count() != 0) be_woken_on_time();
  const std::uint32_t lent = options_.reinject_zero_copy == ZeroCopy::kOff
                                 ? 0
                                 : std::min(kLentFrames, options_.ring_sizes.fill);
  area_ = std::make_unique<FrameArea>(options_.frames + lent, options_.frame_size);
  pool_ = std::make_unique<FramePool>(options_.frames, options_.frame_size);

  SocketOptions receive;
  receive.interface = options_.interface;
  receive.queue_id = options_.queue_id;
  receive.rings =
      options_.reinject == ReinjectTarget::kSameQueue ? SocketRings::kRxTx : SocketRings::kRx;
  receive.sizes = options_.ring_sizes;
  receive.zero_copy = options_.zero_copy;
  receive.busy_poll = options_.busy_poll;
  receive.busy_poll_budget = options_.batch;
  std::vector<std::uint64_t> fill(std::min(options_.ring_sizes.rx, pool_->available()));
  pool_->take_for_fill(fill);
  receive.fill = fill;
  socket_ = XskSocket::open(*area_, receive);

  if (options_.reinject == ReinjectTarget::kSameQueue) {
    reinjector_.emplace(*socket_, *pool_);
    setup_.reinject_zero_copy = socket_->zero_copy();
    setup_.reinject_shares_umem = true;
  } else if (options_.reinject == ReinjectTarget::kInterface) {
    SocketOptions transmit;
    transmit.interface = options_.reinject_interface;
    transmit.queue_id = options_.reinject_queue;
    transmit.rings = SocketRings::kTx;
    transmit.sizes = options_.ring_sizes;
    transmit.zero_copy = options_.reinject_zero_copy;
    fill.clear();
    for (std::uint32_t frame = options_.frames; frame < area_->frame_count(); ++frame) {
      fill.push_back(std::uint64_t{frame} * options_.frame_size);
    }
    transmit.fill = fill;
    reinject_socket_ = XskSocket::open_beside(*socket_, *area_, transmit);
    reinjector_.emplace(*reinject_socket_, *pool_);
    setup_.reinject_zero_copy = reinject_socket_->zero_copy();
    setup_.reinject_shares_umem = reinject_socket_->shares_umem();
  }
  setup_.zero_copy = socket_->zero_copy();
  setup_.need_wakeup = socket_->need_wakeup();
  setup_.zero_copy_errno = socket_->zero_copy_errno();
  setup_.pages = area_->pages();
  // A driver that fills its own ring from ours holds that many frames on top; a
  // copying kernel takes one at a time, and fewer frames stay in the caches.
  fill_level_ = setup_.zero_copy ? options_.ring_sizes.fill : options_.ring_sizes.rx;
  // Busy polling, nothing comes unless the worker asks for it.
  if (!setup_.zero_copy && !options_.busy_poll && options_.coalesce.count() == 0) {
    gather_to_ = std::min(kGatheredPackets, options_.ring_sizes.rx / 4);
  }
  refill();
}

}  // namespace afxfw
