#include "engine/state_keeper.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <utility>
#include <vector>

#include "loading/state_file.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

namespace afxfw {
namespace {

StateClock clock_at(std::uint64_t now_ms) {
  const auto unix_time = std::chrono::system_clock::now().time_since_epoch();
  return {now_ms, static_cast<std::uint64_t>(
                      std::chrono::duration_cast<std::chrono::milliseconds>(unix_time).count())};
}

}  // namespace

struct StateKeeper::Work {
  RunTimeChanges changes;
  std::uint64_t now_ms = 0;
  std::vector<Saved> saved;
  std::string failure;
};

StateKeeper::StateKeeper(std::string path, std::string interface)
    : path_(std::move(path)), interface_(std::move(interface)), task_("afxfw/state") {}

StateKeeper::~StateKeeper() = default;

RunTimeChanges StateKeeper::load(std::uint64_t now_ms) const {
  if (path_.empty() || access(path_.c_str(), F_OK) != 0) return {};
  auto changes = parse_state(read_file(path_), clock_at(now_ms));
  if (!changes) {
    throw Error(
        fmt::format("{}: what was kept in {} cannot be read: {}; repair the file, or remove "
                    "it to start without",
                    interface_, path_, changes.error()),
        ExitCode::kUsage);
  }
  return std::move(*changes);
}

void StateKeeper::save(const RunTimeChanges& changes, std::uint64_t now_ms, Saved saved) {
  if (path_.empty()) return saved("");
  if (!next_) next_ = std::make_unique<Work>();
  next_->changes = changes;
  next_->now_ms = now_ms;
  next_->saved.push_back(std::move(saved));
  start();
}

void StateKeeper::start() {
  if (task_.running() || !next_) return;
  writing_ = std::move(next_);
  task_.start([this] {
    try {
      write_file_atomically(path_, format_state(writing_->changes, clock_at(writing_->now_ms)));
    } catch (const Error& error) {
      writing_->failure = error.what();
    }
  });
}

void StateKeeper::finish() {
  if (!task_.finish()) return;
  // Those who are told may save again.
  const std::unique_ptr<Work> done = std::move(writing_);
  if (!done->failure.empty()) log_warn("{}: {}", interface_, done->failure);
  for (const Saved& saved : done->saved) saved(done->failure);
  start();
}

}  // namespace afxfw
