#include "app/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "util/number_text.h"

namespace afxfw {

namespace {

/// What takes less needs no bar.
constexpr std::chrono::milliseconds kPatience{500};
constexpr std::chrono::milliseconds kInterval{100};
constexpr std::size_t kWidth = 30;

}  // namespace

ProgressBar::ProgressBar(bool shown)
    : shown_(shown && ::isatty(STDERR_FILENO) == 1), next_(started_ + kPatience) {}

void ProgressBar::update(const ReplayProgress& progress) {
  if (!shown_) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + kInterval;
  const std::chrono::duration<double> passed = now - started_;
  fmt::print(stderr, "\r{}\x1b[K", progress_line(progress, passed.count()));
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::clear() noexcept {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

std::string progress_line(const ReplayProgress& progress, double seconds) {
  std::string line;
  if (progress.of_bytes != 0) {
    // A file that is still growing is read beyond the size it had.
    const double part =
        std::min(1.0, static_cast<double>(progress.bytes) / static_cast<double>(progress.of_bytes));
    const auto filled = static_cast<std::size_t>(part * kWidth);
    line = fmt::format("[{}{}] {:3.0f} %  ", std::string(filled, '#'),
                       std::string(kWidth - filled, ' '), part * 100);
  }
  line += fmt::format("{} packets", grouped(progress.packets));
  if (seconds > 0) {
    line += fmt::format("  {}/s", scaled(static_cast<double>(progress.packets) / seconds));
  }
  return line;
}

}  // namespace afxfw
