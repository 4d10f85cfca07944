#include "ctl/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "util/error.h"

namespace afxfw {
namespace {

// Sequences of ECMA-48 and xterm, which every terminal of today knows.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l";         // no cursor, no wrap
constexpr std::string_view kLeave = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";  // and all back
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearRest = "\x1b[J";
constexpr std::string_view kPlain = "\x1b[0m";

std::string_view start_of(ScreenLine::Style style) noexcept {
  switch (style) {
    case ScreenLine::Style::kTitle:
      return "\x1b[1m";
    case ScreenLine::Style::kHeading:
      return "\x1b[7m";
    case ScreenLine::Style::kPlain:
      break;
  }
  return "";
}

/// False: the terminal has gone, or takes nothing for 10 s.
bool write_all(std::string_view text) noexcept {
  constexpr int kPatienceMs = 10'000;
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      pollfd output{STDOUT_FILENO, POLLOUT, 0};
      if (poll(&output, 1, kPatienceMs) <= 0) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

sigset_t handled_signals() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) {
    sigaddset(&signals, each);
  }
  return signals;
}

}  // namespace

Terminal::Terminal() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    throw Error(
        "top needs a terminal; without one, use: afxfwctl top --batch --times 1, or afxfwctl "
        "status",
        ExitCode::kUsage);
  }
  if (tcgetattr(STDIN_FILENO, &before_) != 0) {
    throw errno_error("cannot read the terminal's settings", errno);
  }
  const sigset_t signals = handled_signals();
  signals_ = Fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw errno_error("cannot create a signalfd", errno);
  sigprocmask(SIG_BLOCK, &signals, &mask_before_);
  enter();
}

Terminal::~Terminal() {
  leave();
  // Those that came at the last moment have had what they wanted.
  while (read_signal() != 0) {
  }
  sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

void Terminal::enter() {
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;  // a read never waits
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  write_all(kEnter);
}

void Terminal::leave() noexcept {
  write_all(kLeave);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

ScreenSize Terminal::size() const noexcept {
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) {
    return {};
  }
  return {window.ws_row, window.ws_col};
}

void Terminal::show(const std::vector<ScreenLine>& lines) {
  // Written over what is there, since a screen that is cleared first flickers.
  std::string text(kHome);
  bool first = true;
  for (const ScreenLine& line : lines) {
    if (!first) text += "\r\n";
    first = false;
    text.append(start_of(line.style)).append(line.text).append(kPlain).append(kClearLine);
  }
  text += kClearRest;
  if (!write_all(text)) throw errno_error("cannot write to the terminal", errno);
}

int Terminal::key_fd() const noexcept { return STDIN_FILENO; }

std::optional<std::string> Terminal::read_keys() {
  std::array<char, 256> buffer;
  const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return "";
  if (count <= 0) return std::nullopt;
  std::string keys;
  // Of "ESC [ … letter" and "ESC O letter", only arrows are of use.
  std::string_view typed(buffer.data(), static_cast<std::size_t>(count));
  while (!typed.empty()) {
    const bool sequence =
        typed.size() > 2 && typed[0] == '\x1b' && (typed[1] == '[' || typed[1] == 'O');
    std::size_t length = 1;
    if (sequence) {
      const std::size_t end = typed.find_first_not_of("0123456789;", 2);
      const char last = end == std::string_view::npos ? '\0' : typed[end];
      if (last == 'D') keys += kLeft;
      if (last == 'C') keys += kRight;
      length = end == std::string_view::npos ? typed.size() : end + 1;
    } else if (typed[0] != '\x1b') {
      keys += typed[0];
    }
    typed.remove_prefix(length);
  }
  return keys;
}

int Terminal::read_signal() noexcept {
  signalfd_siginfo info{};
  return ::read(signals_.get(), &info, sizeof(info)) == sizeof(info)
             ? static_cast<int>(info.ssi_signo)
             : 0;
}

void Terminal::suspend() {
  leave();
  kill(getpid(), SIGSTOP);
  // Somebody else may have changed it meanwhile, as a shell does: that is what comes back.
  tcgetattr(STDIN_FILENO, &before_);
  enter();
}

}  // namespace afxfw
