#include "replay/replay.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include "replay/capture_reader.h"
#include "replay/capture_writer.h"
#include "replay/frame_maker.h"
#include "rules/evaluation.h"
#include "util/error.h"

namespace afxfw {
namespace {

/// Between two calls of the progress callback: below a millisecond.
constexpr std::uint64_t kProgressPackets = 4096;

std::optional<struct stat> status_of(const std::string& path, int standard_stream) {
  struct stat status = {};
  const int result =
      path == "-" ? ::fstat(standard_stream, &status) : ::stat(path.c_str(), &status);
  return result == 0 ? std::optional(status) : std::nullopt;
}

bool regular(const std::optional<struct stat>& status) {
  return status && S_ISREG(status->st_mode);
}

bool same_file(const std::optional<struct stat>& a, const std::optional<struct stat>& b) {
  return regular(a) && regular(b) && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/// Finds what cannot be read before hours are spent on what can. Only regular
/// files: a pipe can be opened once.
void check_captures(const std::vector<std::string>& captures) {
  std::string failures;
  for (const std::string& path : captures) {
    const auto status = status_of(path, STDIN_FILENO);
    if (path == "-" || (status && !S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode))) continue;
    try {
      const CaptureReader reader(path);
    } catch (const Error& error) {
      failures += fmt::format("{}{}", failures.empty() ? "" : "\n", error.what());
    }
  }
  if (!failures.empty()) throw Error(failures, ExitCode::kUsage);
}

void check_outputs(const ReplayOptions& options) {
  if (!options.write_accepted.empty() && options.write_accepted == options.write_dropped) {
    throw Error(
        fmt::format("--write-accepted and --write-dropped both name '{}'", options.write_accepted),
        ExitCode::kUsage);
  }
  const auto accepted = status_of(options.write_accepted, STDOUT_FILENO);
  const auto dropped = status_of(options.write_dropped, STDOUT_FILENO);
  if (same_file(accepted, dropped)) {
    throw Error("--write-accepted and --write-dropped name the same file", ExitCode::kUsage);
  }
  for (const std::string& path : options.captures) {
    const auto input = status_of(path, STDIN_FILENO);
    for (const auto& [output, status] : {std::pair(&options.write_accepted, &accepted),
                                         std::pair(&options.write_dropped, &dropped)}) {
      if (!same_file(input, *status)) continue;
      throw Error(
          fmt::format("'{}' is one of the captures to read, and would be overwritten", *output),
          ExitCode::kUsage);
    }
  }
}

/// 0 if one has none.
std::uint64_t total_size(const std::vector<std::string>& captures) {
  std::uint64_t total = 0;
  for (const std::string& path : captures) {
    const auto status = status_of(path, STDIN_FILENO);
    if (!regular(status)) return 0;
    total += static_cast<std::uint64_t>(status->st_size);
  }
  return total;
}

std::uint64_t nanoseconds(const CaptureTime& time) noexcept {
  constexpr std::uint64_t kNanoseconds = 1'000'000'000;
  // A damaged capture may have any time.
  return static_cast<std::uint64_t>(time.seconds) * kNanoseconds +
         static_cast<std::uint64_t>(time.nanoseconds);
}

class Replay {
 public:
  Replay(const Filter& filter, const ReplayOptions& options, const ReplayCallbacks& callbacks)
      : filter_(filter),
        callbacks_(callbacks),
        evaluation_(filter.rules.counter_slots()),
        result_(filter.rules) {
    progress_.of_bytes = total_size(options.captures);
    if (!options.write_accepted.empty()) accepted_.emplace(options.write_accepted);
    if (!options.write_dropped.empty()) dropped_.emplace(options.write_dropped);
  }

  void read(const std::string& path) {
    CaptureReader reader(path);
    result_.begin_file(reader.name(), describe_link_type(reader.dlt()));
    for (auto* writer : {&accepted_, &dropped_}) {
      if (*writer) (*writer)->begin(reader.dlt(), reader.name());
    }
    FrameMaker frames(reader.link_type());
    while (!result_.interrupted) {
      const auto packet = reader.next();
      if (!packet) break;
      judge_one(*packet, frames);
      if (result_.all.packets % kProgressPackets == 0) report(reader);
    }
    report(reader);
    result_.files.back().damage = reader.damage();
    bytes_before_ += reader.position();
  }

  [[nodiscard]] bool interrupted() const { return result_.interrupted; }

  ReplayResult finish() {
    result_.set_counters(filter_.rules, evaluation_.counters);
    for (auto* writer : {&accepted_, &dropped_}) {
      if (*writer) (*writer)->commit();
    }
    return std::move(result_);
  }

 private:
  void judge_one(const CapturedPacket& packet, FrameMaker& frames) {
    const Frame frame = frames.make(packet);
    const PacketView view = parse(frame.bytes);
    evaluation_.now_ns = nanoseconds(packet.time);
    evaluation_.log_count = 0;
    const Decision decision = judge(filter_, view, frame.known_bytes, evaluation_);
    result_.add(packet, view, decision);
    if (callbacks_.packet) {
      const FileResult& file = result_.files.back();
      callbacks_.packet({packet, view, decision, file, file.all.packets});
    }
    if (decision.kind == Decision::Kind::kAccepted && accepted_) accepted_->write(packet);
    if (decision.kind == Decision::Kind::kDropped && dropped_) dropped_->write(packet);
  }

  void report(const CaptureReader& reader) {
    if (!callbacks_.progress) return;
    progress_.bytes = bytes_before_ + reader.position();
    progress_.packets = result_.all.packets;
    if (!callbacks_.progress(progress_)) result_.interrupted = true;
  }

  Filter filter_;
  const ReplayCallbacks& callbacks_;
  Evaluation evaluation_;
  ReplayResult result_;
  ReplayProgress progress_;
  std::uint64_t bytes_before_ = 0;
  std::optional<CaptureWriter> accepted_;
  std::optional<CaptureWriter> dropped_;
};

}  // namespace

ReplayResult replay(const Filter& filter, const ReplayOptions& options,
                    const ReplayCallbacks& callbacks) {
  check_outputs(options);
  check_captures(options.captures);
  Replay run(filter, options, callbacks);
  for (const std::string& path : options.captures) {
    run.read(path);
    if (run.interrupted()) break;
  }
  return run.finish();
}

}  // namespace afxfw
