#include "ctl/capture.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>
#include <variant>

#include "ctl/pcapng.h"
#include "util/number_text.h"

namespace afxfw {

namespace {

using Clock = std::chrono::steady_clock;

/// For afxfw to send what it has, and what came of it.
constexpr std::chrono::seconds kEndTime{5};

std::uint64_t unix_time_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

std::string text(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint64_t number(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string packets(std::uint64_t count) {
  return fmt::format("{} {}", grouped(count), plural(count, "packet"));
}

/// "drop blocklist", or "accept".
std::string verdict_name(const Json& verdict) {
  const std::string reason = text(verdict, "reason");
  return text(verdict, "verdict") + (reason.empty() ? "" : " " + reason);
}

/// The rules' texts, for comments.
std::map<std::uint64_t, std::string> ask_rules(ControlConnection& connection) {
  std::map<std::uint64_t, std::string> rules;
  const Json answer = connection.require({.command = protocol::Command::kListRules});
  const auto found = answer.find("rules");
  if (found == answer.end()) return rules;
  for (const Json& rule : *found) rules[number(rule, "handle")] = text(rule, "text");
  return rules;
}

}  // namespace

std::string totals_text(const CaptureTotals& totals, bool filtered) {
  std::string lines = packets(totals.written) + " captured\n";
  if (filtered) lines += packets(totals.filtered_out) + " did not match the filter\n";
  const std::uint64_t dropped = totals.over_rate + totals.too_slow;
  lines += fmt::format("{}{} dropped by the capture", totals.complete ? "" : "at least ",
                       packets(dropped));
  if (totals.over_rate != 0) {
    lines += fmt::format(": {} over the rate that afxfw copies", grouped(totals.over_rate));
  }
  if (totals.too_slow != 0) {
    lines += fmt::format("{} {} not taken fast enough", totals.over_rate == 0 ? ":" : ",",
                         grouped(totals.too_slow));
  }
  return lines + "\n";
}

Capture::Capture(CaptureOptions options, std::string application)
    : options_(std::move(options)), application_(std::move(application)) {
  if (!options_.filter.empty()) filter_.emplace(options_.filter);
}

std::string Capture::begin(ControlConnection& connection) {
  rules_ = ask_rules(connection);
  protocol::Request request{.command = protocol::Command::kCapture};
  request.verdict = options_.verdict;
  // A filter wants to see all of a packet.
  if (!filter_) request.snap_length = options_.snap_length;
  const Json answer = connection.require(request);
  start_ns_ = unix_time_ns();
  file_.emplace(options_.file);
  describe_file(answer);
  const std::uint64_t queues = number(answer, "queues");
  write_blocks();
  return fmt::format(
      "capturing {} packets of {}, {} queue{}, up to {} a second of each; Ctrl-C ends it\n",
      options_.verdict == protocol::CapturedVerdict::kAll    ? "all"
      : options_.verdict == protocol::CapturedVerdict::kDrop ? "dropped"
                                                             : "accepted",
      text(answer, "interface"), queues, queues == 1 ? "" : "s", grouped(number(answer, "rate")));
}

void Capture::describe_file(const Json& answer) {
  const std::string interface = text(answer, "interface");
  pcapng::append(blocks_,
                 pcapng::Section{.application = application_,
                                 .comment = fmt::format(
                                     "packets of {} that afxfw's workers judged, after its XDP "
                                     "program; a comment names the rule that decided",
                                     interface)});
  const auto verdicts = answer.find("verdicts");
  if (verdicts == answer.end() || !verdicts->is_array()) {
    throw Error("afxfw does not say what it captures; use the afxfwctl that came with it");
  }
  for (const Json& verdict : *verdicts) {
    const std::string name = verdict_name(verdict);
    pcapng::append(blocks_, pcapng::Interface{
                                .snap_length = options_.snap_length,
                                .name = name,
                                .description = fmt::format("{}: {}", interface, name),
                                .filter = options_.filter,
                            });
  }
  tallies_.resize(verdicts->size());
}

CaptureTotals Capture::run(ControlConnection& connection, int stop_fd) {
  std::string input;
  // With what has been read behind the answer.
  bool open = connection.read_some(input);
  std::optional<Clock::time_point> end;
  const auto end_soon = [&] {
    if (end) return;
    // afxfw sends what it has, tells what came of all packets, and closes.
    connection.end_requests();
    end = Clock::now() + kEndTime;
  };
  while (true) {
    take_records(input);
    input.clear();
    if (!open || reader_.failed() || (end && Clock::now() > *end)) break;
    if (!writing_ || reached_count()) end_soon();
    std::array<pollfd, 3> events{{{connection.fd(), POLLIN, 0},
                                  {end ? -1 : stop_fd, POLLIN, 0},
                                  {end ? -1 : file_->fd(), 0, 0}}};
    const int timeout_ms = end ? static_cast<int>(kEndTime / std::chrono::milliseconds(1)) : -1;
    if (poll(events.data(), events.size(), timeout_ms) < 0) {
      if (errno == EINTR) continue;
      throw errno_error("cannot wait for afxfw", errno);
    }
    if (events[1].revents != 0 || (events[2].revents & POLLERR) != 0) end_soon();
    open = connection.read_some(input);
  }
  CaptureTotals totals = conclude();
  totals.afxfw_ended = !end;
  return totals;
}

bool Capture::reached_count() const noexcept {
  return options_.count && appended_ >= *options_.count;
}

void Capture::take_records(std::string_view bytes) {
  reader_.feed(bytes);
  while (const auto record = reader_.next()) {
    std::visit([this](const auto& each) { take(each); }, *record);
  }
  write_blocks();
}

void Capture::take(const protocol::CapturePacket& packet) {
  const protocol::CapturePacketHead& head = packet.head;
  // From another version's afxfw, perhaps.
  if (head.verdict >= tallies_.size()) return;
  Tally& tally = tallies_[head.verdict];
  ++tally.received;
  if (filter_ && !filter_->matches(packet.bytes, head.length_bytes)) return;
  ++tally.matched;
  if (!writing_ || reached_count()) return;
  ++appended_;
  pcapng::append(blocks_, pcapng::Packet{
                              .interface = head.verdict,
                              .time_ns = head.time_ns,
                              .bytes = packet.bytes.substr(0, options_.snap_length),
                              .length_bytes = head.length_bytes,
                              .queue = head.queue,
                              .comment = comment_of(head.rule),
                          });
}

void Capture::take(const protocol::CaptureTallies& tallies) {
  const std::size_t count = std::min(tallies.by_verdict.size(), tallies_.size());
  for (std::size_t i = 0; i < count; ++i) tallies_[i].afxfw = tallies.by_verdict[i];
  complete_ = tallies.final;
}

std::string Capture::comment_of(std::uint32_t rule) const {
  if (rule == 0) return "";
  const auto found = rules_.find(rule);
  // One that a reload has brought has no text here.
  return found == rules_.end() ? fmt::format("rule {}", rule)
                               : fmt::format("rule {}: {}", rule, found->second);
}

void Capture::write_blocks() {
  if (blocks_.empty()) return;
  if (writing_) {
    const std::size_t written = file_->write(blocks_);
    writing_ = written == blocks_.size();
    for (const std::uint32_t each :
         pcapng::packet_interfaces(std::string_view(blocks_).substr(0, written))) {
      ++tallies_[each].written;
    }
  }
  blocks_.clear();
}

CaptureTotals Capture::conclude() {
  CaptureTotals totals;
  totals.complete = complete_;
  const std::uint64_t end_ns = unix_time_ns();
  for (std::size_t i = 0; i < tallies_.size(); ++i) {
    const Tally& tally = tallies_[i];
    // Without the last tallies, more packets may have come than they tell.
    const std::uint64_t seen =
        std::max(tally.afxfw.seen, tally.received + tally.afxfw.over_rate + tally.afxfw.no_room);
    const std::uint64_t dropped = seen - tally.received;
    pcapng::append(blocks_, pcapng::Statistics{
                                .interface = static_cast<std::uint32_t>(i),
                                .start_ns = start_ns_,
                                .end_ns = end_ns,
                                .received = seen,
                                .dropped = dropped,
                                .filter_accepted = tally.matched,
                                .delivered = tally.written,
                            });
    totals.written += tally.written;
    totals.filtered_out += tally.received - tally.matched;
    totals.over_rate += tally.afxfw.over_rate;
    totals.too_slow += dropped - tally.afxfw.over_rate;
  }
  write_blocks();
  totals.error = file_->error();
  return totals;
}

}  // namespace afxfw
