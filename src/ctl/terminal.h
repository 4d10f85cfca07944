#pragma once

#include <signal.h>
#include <termios.h>

#include <optional>
#include <string>
#include <vector>

#include "ctl/top_screen.h"
#include "util/fd.h"

namespace afxfw {

/// The terminal as a full screen: keys come as they are pressed and aren't echoed, and lines
/// appear on the alternate screen. Whatever it was is back when this goes, be it by an exception.
/// The signals that end or stop a program and that tell of a new size come by signal_fd()
/// meanwhile. One at a time, of a program's only thread.
class Terminal {
 public:
  /// On standard input and output. Throws Error if they are no terminal.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] ScreenSize size() const noexcept;
  /// Shows these and nothing else. Throws Error if the terminal has gone.
  void show(const std::vector<ScreenLine>& lines);

  /// For poll(): a key was pressed, read_keys().
  [[nodiscard]] int key_fd() const noexcept;
  /// What was typed; an arrow key comes as kLeft or kRight, other such keys not at all. Nothing:
  /// the terminal has gone.
  [[nodiscard]] std::optional<std::string> read_keys();
  static constexpr char kLeft = '<';
  static constexpr char kRight = '>';

  /// For poll(): read_signal() then.
  [[nodiscard]] int signal_fd() const noexcept { return signals_.get(); }
  /// A signal that came; 0: none is left.
  [[nodiscard]] int read_signal() noexcept;
  /// Stops the program, as Ctrl-Z does, with the terminal as it was; returns when it goes on.
  void suspend();

 private:
  void enter();
  void leave() noexcept;

  Fd signals_;
  sigset_t mask_before_{};
  termios before_{};
};

}  // namespace afxfw
