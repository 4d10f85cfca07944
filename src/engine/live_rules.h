#pragma once

#include <tl/expected.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/event.h"
#include "engine/rule_rebuild.h"
#include "engine/state_keeper.h"
#include "rules/publisher.h"
#include "rules/run_time_changes.h"
#include "util/background_task.h"

namespace afxfw {

/// Why a change was not made.
struct ChangeError {
  enum class Kind {
    kInvalid,  ///< what was asked for is wrong
    kBusy,     ///< try again later
    kFailed,
  };
  Kind kind = Kind::kInvalid;
  std::string message{};  ///< may have several lines
};

/// What came of a change.
struct ChangeOutcome {
  std::size_t changed = 0;           ///< elements
  std::vector<std::string> notes{};  ///< what a person should know about it
};

/// Called once, on the owner's thread, before or after the call that takes it returns.
using ChangeDone = std::function<void(tl::expected<ChangeOutcome, ChangeError> outcome)>;

/// Elements to add to a list or set, to delete from it, or all of them to delete.
struct ElementChange {
  enum class Kind { kAdd, kDelete, kFlush };
  Kind kind = Kind::kAdd;
  std::string set{};  ///< "blocklist", "allowlist" or a set of the rules
  std::vector<std::string> elements{};
  std::optional<std::uint64_t> timeout_s{};  ///< kAdd
  std::string comment{};                     ///< kAdd
  std::string by{};                          ///< who asks, for events
};

struct ReloadOptions {
  std::optional<std::string> rules{};        ///< another rule file, from now on
  std::optional<std::uint64_t> confirm_s{};  ///< after which it goes back unless confirm()ed
  std::string by{};
};

/// When what is in force was read, and what went wrong since.
struct LoadRecord {
  std::chrono::system_clock::time_point at = std::chrono::system_clock::now();
  std::string by = "start";
  /// Until confirm(): when it goes back by itself.
  std::optional<std::chrono::system_clock::time_point> goes_back_at{};
  std::optional<std::string> last_error{};  ///< of a later reload that changed nothing
};

/// A list, or a set of the rules.
struct SetSize {
  std::string name;
  std::string type;
  std::size_t elements = 0;  ///< of a list: separate runs of addresses
  std::size_t added = 0;     ///< how many were added at run time
  std::size_t removed = 0;   ///< how many changes take elements of the files away
};

/// The rules in force: what the files say, and what was changed at run time on top of
/// it. Changes to lists are in force at once; what has to be compiled is on a thread
/// of its own, one piece of work after another, and is in force when its owner has
/// called finish_background(). For one thread but for what readers do with publisher().
class LiveRules {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    RuleFiles files;
    std::string interface;
    std::size_t readers = 1;
    std::string state_file{};  ///< see StateKeeper
    EventSink on_event{};
    std::function<void()> on_published{};  ///< also if only a list has changed
  };

  /// rules: what load_rules_for() returned. Throws Error if the state file is wrong.
  LiveRules(Options options, std::unique_ptr<const RuleSet> rules);

  [[nodiscard]] RuleSetPublisher& publisher() noexcept { return publisher_; }
  [[nodiscard]] const RuleSetPublisher& publisher() const noexcept { return publisher_; }
  [[nodiscard]] const RuleSet& current() const noexcept { return publisher_.current(); }

  void change(const ElementChange& change, const ChangeDone& done);
  /// Reads the files again. All or nothing: with an error, what was in force stays.
  void reload(ReloadOptions options, ChangeDone done);
  /// The last reload stays. The error: there is nothing to confirm.
  [[nodiscard]] tl::expected<void, ChangeError> confirm(const std::string& by);

  /// Readable when work has ended; call finish_background() then.
  [[nodiscard]] std::vector<int> background_fds() const { return {task_.fd(), state_.fd()}; }
  void finish_background();

  /// Frees what no reader uses any more, lets elements expire, and merges changes into
  /// the tables. To be called at next_deadline() and every second or so.
  void housekeep();
  [[nodiscard]] std::optional<Clock::time_point> next_deadline() const;

  // For those who show it.
  [[nodiscard]] const RunTimeChanges& run_time_changes() const noexcept { return changes_; }
  [[nodiscard]] const RuleBase& base() const noexcept { return base_; }
  [[nodiscard]] const LoadRecord& load_record() const noexcept { return record_; }
  /// Those of current(): the lists, then the rules' sets.
  [[nodiscard]] std::vector<SetSize> sets() const;

 private:
  /// Something that takes compiling, or merging.
  struct Operation {
    enum class Kind { kChange, kReload, kGoBack, kRefresh, kMerge };
    Kind kind = Kind::kRefresh;
    std::function<ChangeOutcome(RunTimeChanges&)> apply{};  // kChange: to what is then there
    std::function<void()> then{};  // kChange: instead of done, if all went well
    ReloadOptions reload{};
    std::string by{};
    ChangeDone done{};
    Event event{};
    ChangeOutcome outcome{};
  };
  /// What the thread works on.
  struct Work {
    RuleRebuild rebuild;
    std::shared_ptr<const AddressTables> allow, block;  // kMerge
    std::unique_ptr<const RuleSet> rules;
    std::optional<ChangeError> error;
  };

  [[nodiscard]] std::uint64_t now_ms() const;
  [[nodiscard]] RunTimeNote note(const ElementChange& change,
                                 std::optional<std::uint64_t> timeout_s = {},
                                 const std::string& comment = {}) const;
  void change_list(ListChange::List list, const ElementChange& change, const ChangeDone& done);
  void change_set(const ElementChange& change, const ChangeDone& done);
  [[nodiscard]] ChangeOutcome apply_to_list(ListChange::List list, const ElementChange& change,
                                            const std::vector<Prefix>& prefixes,
                                            RunTimeChanges& changes,
                                            std::vector<ListChange>& made) const;
  [[nodiscard]] ChangeOutcome apply_to_set(const ElementChange& change,
                                           const std::vector<NamedElement>& elements,
                                           const std::string& type, RunTimeChanges& changes) const;
  void enqueue(Operation operation);
  [[nodiscard]] bool is_pending(Operation::Kind kind) const;
  void start_next();
  void work_ended();
  void commit(Operation& operation, Work& work);
  void commit_reload(const Operation& operation);
  void publish(std::unique_ptr<const RuleSet> rules);
  void publish_lists();
  void expire(std::uint64_t now);
  void report_expired(const char* list, const std::vector<Prefix>& prefixes) const;
  void merge_if_due();
  void finish_change(ChangeOutcome outcome, const ChangeDone& done);
  void report(const Event& event) const;

  Options options_;
  RuleBase base_;
  RunTimeChanges changes_;
  LoadRecord record_;
  RuleSetPublisher publisher_;

  std::deque<Operation> waiting_;
  std::optional<Operation> running_;
  std::shared_ptr<Work> work_;
  std::vector<ListChange> since_start_;  // of work_: list changes made meanwhile
  bool lists_replaced_ = false;          // meanwhile, not by such changes

  std::optional<RuleBase> fallback_;  // until the reload is confirmed
  Clock::time_point goes_back_at_{};
  Clock::time_point last_list_change_{};

  StateKeeper state_;
  BackgroundTask task_;  // last: its work may use what is above
};

}  // namespace afxfw
