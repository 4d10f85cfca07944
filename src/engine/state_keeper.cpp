#include "engine/state_keeper.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <utility>

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

StateKeeper::StateKeeper(std::string path, std::string interface)
    : path_(std::move(path)), interface_(std::move(interface)), task_("afxfw/state") {}

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
  if (!next_) next_.emplace();
  next_->changes = changes;
  next_->now_ms = now_ms;
  next_->saved.push_back(std::move(saved));
  start();
}

void StateKeeper::start() {
  if (task_.running() || !next_) return;
  writing_ = std::move(*next_);
  next_.reset();
  task_.start([this] {
    try {
      write_file_atomically(path_, format_state(writing_.changes, clock_at(writing_.now_ms)));
    } catch (const Error& error) {
      writing_.failure = error.what();
    }
  });
}

void StateKeeper::finish() {
  if (!task_.finish()) return;
  if (!writing_.failure.empty()) log_warn("{}: {}", interface_, writing_.failure);
  for (const Saved& saved : std::exchange(writing_.saved, {})) saved(writing_.failure);
  start();
}

}  // namespace afxfw
