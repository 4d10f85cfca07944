#include "ctl/top.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include "ctl/terminal.h"
#include "ctl/top_screen.h"
#include "util/json.h"

namespace afxfw {
namespace {

using Clock = std::chrono::steady_clock;
using Sort = TopView::Sort;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Among those with most packets in the window, so many may be the ones with the highest rate.
constexpr std::size_t kLeastSources = 100;

/// After the first screen, which has no rates of rules yet.
constexpr milliseconds kFirstInterval{500};

/// A main thread that is busy answers late; one that hangs, never.
constexpr seconds kLate{3};
constexpr seconds kNever{60};

void ask(ControlConnection& connection, const TopOptions& options) {
  connection.send({.command = protocol::Command::kStatus});
  connection.send(
      {.command = protocol::Command::kTopSources, .count = std::max(options.count, kLeastSources)});
}

Json result_of(const std::string& line) {
  protocol::Response response = protocol::parse_response(line);
  if (!response) throw Error(response.error().message, exit_code(response.error().code));
  return std::move(*response);
}

TopSample wait_for_sample(ControlConnection& connection, const TopOptions& options) {
  ask(connection, options);
  TopSample sample;
  for (Json* answer : {&sample.status, &sample.sources}) {
    while (true) {
      if (const auto line = connection.take_line()) {
        *answer = result_of(*line);
        break;
      }
      pollfd input{connection.fd(), POLLIN, 0};
      const int timeout_ms = static_cast<int>(milliseconds(kNever).count());
      if (poll(&input, 1, timeout_ms) == 0) throw Error("afxfw does not answer");
    }
  }
  return sample;
}

class LiveTop {
 public:
  LiveTop(ControlConnection& connection, const TopOptions& options)
      : connection_(connection), options_(options) {
    view_.count = options.count;
  }

  void run() {
    while (!quit_) {
      const Clock::time_point now = Clock::now();
      if (!asked_ && now >= next_) {
        ask(connection_, options_);
        asked_ = now;
      }
      check_patience(now);
      if (now_ && std::exchange(changed_, false)) {
        terminal_.show(top_screen(before_ ? &*before_ : nullptr, *now_, view_, terminal_.size()));
      }
      wait(now);
    }
  }

 private:
  void wait(Clock::time_point now) {
    std::array<pollfd, 3> events{{{terminal_.signal_fd(), POLLIN, 0},
                                  {terminal_.key_fd(), POLLIN, 0},
                                  {connection_.fd(), POLLIN, 0}}};
    // While an answer is late, how late it is.
    const auto until = asked_ ? now + seconds(1) : next_;
    const auto timeout = std::chrono::ceil<milliseconds>(until - now).count();
    const int ready =
        poll(events.data(), events.size(), static_cast<int>(std::max<long>(timeout, 0)));
    if (ready < 0 && errno != EINTR) throw errno_error("cannot wait for keys and afxfw", errno);
    if (ready <= 0) return;
    if (events[0].revents != 0) take_signals();
    if (events[1].revents != 0) take_keys();
    if (events[2].revents != 0) take_answers();
  }

  void check_patience(Clock::time_point now) {
    const auto waited = asked_ ? now - *asked_ : Clock::duration::zero();
    if (waited > kNever) throw Error("afxfw does not answer");
    std::string note;
    if (waited >= kLate) {
      note = fmt::format("afxfw does not answer, for {} s   q: quit",
                         std::chrono::duration_cast<seconds>(waited).count());
    }
    changed_ = changed_ || note != view_.note;
    view_.note = std::move(note);
  }

  void take_answers() {
    while (const auto line = connection_.take_line()) {
      Json result = result_of(*line);
      if (!status_) {
        status_ = std::move(result);
        continue;
      }
      take_sample({std::move(*status_), std::move(result)});
      status_.reset();
    }
  }

  void take_sample(TopSample sample) {
    const bool first = !now_;
    asked_.reset();
    next_ =
        Clock::now() + (first ? std::min(options_.interval, kFirstInterval) : options_.interval);
    // It asks all the same, so that afxfw does not take it for a client that has gone to sleep.
    if (view_.paused) return;
    if (!first) before_ = std::move(now_);
    now_ = std::move(sample);
    changed_ = true;
  }

  void take_signals() {
    while (const int signal = terminal_.read_signal()) {
      if (signal == SIGWINCH) {
        changed_ = true;
      } else if (signal == SIGTSTP) {
        terminal_.suspend();
        changed_ = true;
      } else {
        quit_ = true;
      }
    }
  }

  void take_keys() {
    const auto keys = terminal_.read_keys();
    if (!keys) quit_ = true;
    for (const char key : keys.value_or("")) take_key(key);
    changed_ = true;
  }

  void take_key(char key) {
    constexpr int kSorts = 4;
    const auto turn = [this](int by) {
      view_.sort = static_cast<Sort>((static_cast<int>(view_.sort) + by) % kSorts);
    };
    if (key == 'q' || key == 'Q') {
      quit_ = true;
    } else if (view_.help) {
      view_.help = false;
    } else if (key == 'h' || key == '?') {
      view_.help = true;
    } else if (key == ' ') {
      view_.paused = !view_.paused;
    } else if (key == 'p') {
      view_.sort = Sort::kPackets;
    } else if (key == 'b') {
      view_.sort = Sort::kBits;
    } else if (key == 't') {
      view_.sort = Sort::kTotal;
    } else if (key == 'n') {
      view_.sort = Sort::kNumber;
    } else if (key == Terminal::kRight) {
      turn(1);
    } else if (key == Terminal::kLeft) {
      turn(kSorts - 1);
    }
  }

  ControlConnection& connection_;
  TopOptions options_;
  Terminal terminal_;
  TopView view_;
  std::optional<TopSample> before_;
  std::optional<TopSample> now_;
  std::optional<Json> status_;              // the first half of the answer that is coming
  std::optional<Clock::time_point> asked_;  // for it
  Clock::time_point next_{};                // to ask
  bool changed_ = false;                    // what is to be seen
  bool quit_ = false;
};

std::string plain_text(const std::vector<ScreenLine>& lines) {
  std::string text;
  for (const ScreenLine& line : lines) text.append(line.text).append("\n");
  return text;
}

}  // namespace

void run_top(ControlConnection& connection, const TopOptions& options) {
  LiveTop(connection, options).run();
}

void print_top(ControlConnection& connection, const TopOptions& options, const TopOutput& output) {
  TopView view;
  view.count = options.count;
  TopSample before = wait_for_sample(connection, options);
  for (std::uint64_t done = 0; !output.times || done < *output.times; ++done) {
    std::this_thread::sleep_for(options.interval);
    TopSample now = wait_for_sample(connection, options);
    std::string text;
    if (output.json) {
      text = json_text({{"status", now.status}, {"top_sources", now.sources}}) + "\n";
    } else {
      if (done != 0) text = "\n";
      text += plain_text(top_screen(&before, now, view, kNoScreen));
    }
    output.write(text);
    before = std::move(now);
  }
}

}  // namespace afxfw
