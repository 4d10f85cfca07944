// What LiveRules has done in the background.

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "engine/live_rules.h"
#include "util/error.h"
#include "util/log.h"

namespace afxfw {
namespace {

using std::chrono::seconds;

ChangeError error_of(const Error& error) {
  return {
      error.code() == ExitCode::kUsage ? ChangeError::Kind::kInvalid : ChangeError::Kind::kFailed,
      error.what()};
}

}  // namespace

void LiveRules::enqueue(Operation operation) {
  waiting_.push_back(std::move(operation));
  start_next();
}

bool LiveRules::is_pending(Operation::Kind kind) const {
  return (running_ && running_->kind == kind) ||
         std::any_of(waiting_.begin(), waiting_.end(),
                     [kind](const Operation& each) { return each.kind == kind; });
}

void LiveRules::start_next() {
  if (running_ || waiting_.empty()) return;
  running_ = std::move(waiting_.front());
  waiting_.pop_front();
  since_start_.clear();
  lists_replaced_ = false;
  work_ = std::make_shared<Work>();
  if (running_->kind == Operation::Kind::kMerge) {
    work_->allow = current().parts().allow;
    work_->block = current().parts().block;
    task_.start([work = work_] {
      for (auto* tables : {&work->allow, &work->block}) {
        if (*tables) *tables = std::make_shared<const AddressTables>((*tables)->merged());
      }
    });
    return;
  }
  RuleRebuild& rebuild = work_->rebuild;
  rebuild.base = base_;
  if (running_->kind == Operation::Kind::kGoBack) rebuild.base = *fallback_;
  if (running_->reload.rules) rebuild.base.files.rules = running_->reload.rules;
  rebuild.read_files = running_->kind == Operation::Kind::kReload;
  rebuild.changes = changes_;
  for (auto& [name, set] : rebuild.changes.sets) set.expire(now_ms());
  if (running_->apply) running_->outcome = running_->apply(rebuild.changes);
  rebuild.interface = options_.interface;
  rebuild.previous = current().copy();
  task_.start([work = work_] {
    try {
      work->rules = work->rebuild.run();
    } catch (const Error& error) {
      work->error = error_of(error);
    } catch (const std::exception& error) {
      work->error = ChangeError{ChangeError::Kind::kFailed, error.what()};
    }
  });
}

void LiveRules::finish_background() {
  state_.finish();
  if (task_.finish()) work_ended();
}

void LiveRules::work_ended() {
  Operation operation = std::move(*running_);
  running_.reset();
  const std::shared_ptr<Work> work = std::exchange(work_, nullptr);
  if (work->error) {
    if (operation.kind == Operation::Kind::kReload) {
      record_.last_error = work->error->message;
      log_error("reload failed, the rules in force stay:\n{}", work->error->message);
    } else if (!operation.done) {
      log_error("{}: rules could not be compiled anew: {}", options_.interface,
                work->error->message);
    }
    if (operation.done) operation.done(tl::unexpected(*work->error));
  } else {
    commit(operation, *work);
  }
  start_next();
}

void LiveRules::commit(Operation& operation, Work& work) {
  const std::uint64_t next = current().generation() + 1;
  if (operation.kind == Operation::Kind::kMerge) {
    if (lists_replaced_) return;
    auto merged = current().with_lists(next, work.allow, work.block);
    auto rules = merged->with_list_changes(next, since_start_);
    return publish(rules ? std::move(rules) : std::move(merged));
  }
  // Changes to lists went on meanwhile: those of sets, and of lists that there were
  // none of, waited.
  const bool lists_new = work.rebuild.changes.allow.present != changes_.allow.present ||
                         work.rebuild.changes.block.present != changes_.block.present;
  changes_.sets = std::move(work.rebuild.changes.sets);
  if (lists_new) {
    if (!changes_.allow.present) changes_.allow = std::move(work.rebuild.changes.allow);
    if (!changes_.block.present) changes_.block = std::move(work.rebuild.changes.block);
  }
  if (operation.kind == Operation::Kind::kReload) {
    changes_.files_read_again();
    if (operation.reload.confirm_s) fallback_ = base_;
  }
  base_ = std::move(work.rebuild.base);
  auto rules = work.rules->with_list_changes(next, since_start_);
  if (lists_replaced_ || !rules) {
    rules = work.rules->with_lists(next, changed(base_.parts.allow, changes_.allow),
                                   changed(base_.parts.block, changes_.block));
  }
  publish(std::move(rules));
  if (operation.kind == Operation::Kind::kReload) commit_reload(operation);
  if (operation.kind == Operation::Kind::kGoBack) {
    fallback_.reset();
    record_ = {.by = "itself: the reload after it was not confirmed"};
    report({"go_back", "the reload was not confirmed in time; what was before is in force again"});
    log_info("{}: the reload was not confirmed in time; what was before is in force again",
             options_.interface);
  }
  if (!operation.event.kind.empty()) report(operation.event);
  if (operation.then) return operation.then();
  if (operation.done) finish_change(std::move(operation.outcome), operation.done);
}

void LiveRules::commit_reload(const Operation& operation) {
  record_ = {.by = operation.by};
  if (operation.reload.confirm_s) {
    goes_back_at_ = Clock::now() + seconds(*operation.reload.confirm_s);
    record_.goes_back_at = record_.at + seconds(*operation.reload.confirm_s);
  }
  log_info("lists read again, rules generation {}", current().generation());
  report({"reload",
          fmt::format("lists and rules read again by {}, rules generation {}", operation.by,
                      current().generation()),
          {{"by", operation.by}}});
}

}  // namespace afxfw
