#include "engine/packet_logger.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "net/prefix.h"
#include "net/protocol_name.h"
#include "util/cpu.h"

namespace afxfw {

namespace {

using std::chrono::steady_clock;

/// Between two visits. The queues' size is chosen for it.
constexpr std::chrono::milliseconds kInterval{10};

std::string address(std::uint8_t version, Ipv6Bits bits) {
  return version == 4 ? format_ipv4(static_cast<Ipv4Bits>(bits)) : format_ipv6(bits);
}

}  // namespace

std::string format_record(const PacketRecord& record) {
  std::string line = record.prefix.data();
  if (record.version != 0) {
    line +=
        fmt::format("src={} dst={} proto={} ", address(record.version, record.source),
                    address(record.version, record.destination), protocol_name(record.protocol));
    if (record.has_ports) line += fmt::format("dport={} ", record.destination_port);
  }
  line += record.action == Action::kAccept
              ? "action=accept"
              : fmt::format("action=drop reason={}", name(record.reason));
  if (record.has_ports) line += fmt::format(" sport={}", record.source_port);
  line += fmt::format(" len={} queue={}", record.length_bytes, record.queue_id);
  return line;
}

PacketLogger::PacketLogger(std::vector<PacketRecordQueue*> queues, std::uint32_t rate,
                           Output output)
    : queues_(std::move(queues)),
      rate_(rate),
      output_(std::move(output)),
      thread_([this] { run(); }) {}

void PacketLogger::stop() noexcept {
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
}

void PacketLogger::run() {
  name_this_thread("afxfw/log");
  double tokens = rate_;
  auto last = steady_clock::now();
  for (bool stopping = false; !stopping;) {
    // Read before the visit, so that the last visit comes after the last record.
    stopping = stop_.load();
    if (rate_ == 0) {
      visit(std::numeric_limits<std::uint64_t>::max());
    } else {
      const auto now = steady_clock::now();
      const std::chrono::duration<double> passed = now - last;
      last = now;
      tokens = std::min<double>(rate_, tokens + passed.count() * rate_);
      tokens -= static_cast<double>(visit(static_cast<std::uint64_t>(tokens)));
    }
    if (!stopping) std::this_thread::sleep_for(kInterval);
  }
}

std::uint64_t PacketLogger::visit(std::uint64_t allowance) {
  std::uint64_t printed = 0;
  std::uint64_t over = 0;
  std::string lines;
  for (PacketRecordQueue* queue : queues_) {
    // As many as the queue holds: a worker that keeps filling it must not keep
    // the logger from the other queues.
    PacketRecord record;
    for (std::size_t i = 0; i < kPacketRecordQueueSize && queue->pop(record); ++i) {
      if (printed == allowance) {
        ++over;
        continue;
      }
      lines += format_record(record);
      lines += '\n';
      ++printed;
    }
  }
  if (!lines.empty()) output_(lines);
  lines_ += printed;
  suppressed_ += over;
  return printed;
}

}  // namespace afxfw
