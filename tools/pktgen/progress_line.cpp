#include "pktgen/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "util/number_text.h"

namespace afxfw::pktgen {

namespace {

constexpr auto kInterval = std::chrono::milliseconds(500);

}  // namespace

ProgressLine::ProgressLine(std::string verb)
    : verb_(std::move(verb)), shown_(isatty(STDERR_FILENO) == 1) {}

void ProgressLine::update(const Progress& progress) {
  const Clock::time_point now = Clock::now();
  if (!shown_ || now - latest_ < kInterval) return;
  const double seconds = std::chrono::duration<double>(now - latest_).count();
  const double rate = static_cast<double>(progress.packets - packets_) / seconds;
  latest_ = now;
  packets_ = progress.packets;
  drawn_ = true;
  fmt::print(stderr, "\r\x1b[K{}", progress_text(verb_, progress, rate));
  std::fflush(stderr);
}

void ProgressLine::clear() noexcept {
  if (!drawn_) return;
  drawn_ = false;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

std::string progress_text(const std::string& verb, const Progress& progress,
                          double packets_per_second) {
  std::string text = grouped(progress.packets);
  if (progress.planned) text += fmt::format(" of {}", grouped(*progress.planned));
  text += fmt::format(" packets {}, {}/s", verb, scaled(packets_per_second));
  if (progress.planned && packets_per_second > 0 && *progress.planned > progress.packets) {
    const auto left = static_cast<double>(*progress.planned - progress.packets);
    text += fmt::format(", {:.0f} s left", left / packets_per_second);
  }
  return text;
}

}  // namespace afxfw::pktgen
