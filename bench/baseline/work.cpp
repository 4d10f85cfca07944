#include "work.h"

#include <atomic>
#include <exception>
#include <fstream>
#include <future>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "attachment.h"
#include "bare_sockets.h"
#include "rules/inline_policy.h"
#include "rules/list_parser.h"
#include "tap.h"
#include "trie_filter.h"
#include "util/cpu.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"
#include "xsk/link.h"
#include "xsk/veth_pair.h"
#include "xsk/xdp_program.h"

namespace afxfw::bench {

namespace {

constexpr const char* kTapName = "afxfw-bench-tap";  // the longest name there can be

/// Packets that the interface has received, those that XDP dropped included.
std::uint64_t interface_packets(const std::string& interface) {
  constexpr auto kRestOfLine = std::numeric_limits<std::streamsize>::max();
  std::ifstream devices("/proc/thread-self/net/dev");
  std::string device;
  std::uint64_t bytes = 0;
  std::uint64_t packets = 0;
  while (devices >> device) {
    if (device == interface + ":" && devices >> bytes >> packets) return packets;
    devices.ignore(kRestOfLine, '\n');
  }
  throw Error("the interface " + interface + " has gone");
}

class XdpDrop final : public Work {
 public:
  XdpDrop(const Options& options, const Link& link)
      : interface_(options.interface),
        before_(interface_packets(interface_)),
        attachment_(Attachment::drop(interface_, link.ifindex)) {}

  [[nodiscard]] Json report() const override {
    return {{"total", {{"dropped", interface_packets(interface_) - before_}}}};
  }

 private:
  std::string interface_;
  std::uint64_t before_;
  Attachment attachment_;
};

class XdpTrie final : public Work {
 public:
  XdpTrie(const Options& options, const Link& link)
      : filter_(TrieFilter::attach(options.interface, link.ifindex, read_list(options.blocklist),
                                   options.pass_allowed)) {}

  [[nodiscard]] Json report() const override {
    const TrieFilter::Counts counts = filter_.counts();
    return {{"total",
             {{"received", counts.blocked + counts.allowed},
              {"dropped", counts.blocked},
              {"accepted", counts.allowed},
              {"other", counts.other}}}};
  }

 private:
  static std::vector<Prefix> read_list(const std::string& path) {
    auto list = parse_list(read_file(path), path);
    if (!list) throw Error(to_string(list.error()), ExitCode::kUsage);
    return std::move(list->prefixes);
  }

  TrieFilter filter_;
};

class AfxdpLoop final : public Work {
 public:
  AfxdpLoop(const Options& options, const Link& link) : mode_(options.mode) {
    BareOptions bare;
    bare.interface = options.interface;
    bare.queue_id = options.queue_id;
    bare.batch = options.batch;
    if (mode_ == Mode::kVeth) {
      veth_pair_ = std::make_unique<VethPair>(link, 1);
      bare.transmit_interface = veth_pair_->transmit_end();
    }
    if (mode_ == Mode::kTap) tap_ = open_tap(kTapName, link);
    std::promise<void> opened;
    std::future<void> open = opened.get_future();
    thread_ = std::thread(&AfxdpLoop::run, this, bare, options.cpu, std::move(opened));
    try {
      open.get();
      attach(options, link);
    } catch (...) {
      stop();
      throw;
    }
  }

  ~AfxdpLoop() override {
    attachment_.reset();
    afxfw_program_.reset();
    stop();
  }
  AfxdpLoop(const AfxdpLoop&) = delete;
  AfxdpLoop& operator=(const AfxdpLoop&) = delete;

  [[nodiscard]] Json report() const override {
    const xdp_statistics kernel = sockets_->kernel_statistics();
    return {{"zero_copy", sockets_->zero_copy()},
            {"total",
             {{"received", sockets_->received()},
              {"reinjected", sockets_->sent()},
              {"tx_full", sockets_->tx_full()}}},
            {"kernel",
             {{"rx_dropped", kernel.rx_dropped},
              {"rx_ring_full", kernel.rx_ring_full},
              {"rx_fill_ring_empty", kernel.rx_fill_ring_empty_descs}}}};
  }

 private:
  void attach(const Options& options, const Link& link) {
    if (mode_ != Mode::kRead) {
      attachment_.emplace(Attachment::redirect(link.name, link.ifindex, options.queue_id,
                                               sockets_->receiving_fd()));
      return;
    }
    afxfw_inline_policy policy = parse_inline_policy(kDefaultInlineDrop).value();
    policy.fallback = AFXFW_FALLBACK_PASS;
    afxfw_program_ = XdpProgram::attach(link.name, link.ifindex, XdpModeRequest::kNative, policy);
    afxfw_program_->add_socket(options.queue_id, sockets_->receiving_fd());
  }

  void run(const BareOptions& bare, int cpu, std::promise<void> opened) {
    try {
      pin_this_thread(cpu);
      sockets_ = std::make_unique<BareSockets>(bare);
    } catch (...) {
      opened.set_exception(std::current_exception());
      return;
    }
    opened.set_value();
    switch (mode_) {
      case Mode::kRead:
        return sockets_->run_read(stop_);
      case Mode::kVeth:
        return sockets_->run_forward(stop_);
      case Mode::kTap:
        return sockets_->run_write(tap_.get(), stop_);
      default:
        return sockets_->run_drop(stop_);
    }
  }

  void stop() noexcept {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

  Mode mode_;
  // The pair before the socket that is bound to it.
  std::unique_ptr<VethPair> veth_pair_;
  Fd tap_;
  std::unique_ptr<BareSockets> sockets_;
  std::optional<Attachment> attachment_;
  std::unique_ptr<XdpProgram> afxfw_program_;  // instead, for kRead
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Work> start_work(const Options& options) {
  const Link link = require_link(options.interface);
  if (options.mode == Mode::kXdpDrop) return std::make_unique<XdpDrop>(options, link);
  if (options.mode == Mode::kXdpTrie) return std::make_unique<XdpTrie>(options, link);
  return std::make_unique<AfxdpLoop>(options, link);
}

}  // namespace afxfw::bench
