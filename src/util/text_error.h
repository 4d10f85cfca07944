#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace afxfw {

/// One thing wrong with text that a user gave us.
struct TextError {
  std::string source;      ///< file name, or the option's name
  std::size_t line = 0;    ///< from 1; 0 when the source has no lines (an option)
  std::size_t column = 1;  ///< from 1, in bytes
  std::string text;        ///< what is wrong there, as the user wrote it; may be empty
  std::string what;        ///< why
};

/// Everything wrong with some text. Counts every error; keeps the details of
/// the first kMaxKept only, so that a gigabyte of the wrong kind of file doesn't
/// become several of error messages.
class TextErrors {
 public:
  static constexpr std::size_t kMaxKept = 1000;

  void add(TextError error);
  void append(TextErrors other);

  [[nodiscard]] bool empty() const noexcept { return total_ == 0; }
  [[nodiscard]] std::size_t total() const noexcept { return total_; }
  [[nodiscard]] const std::vector<TextError>& kept() const noexcept { return kept_; }

 private:
  std::vector<TextError> kept_;
  std::size_t total_ = 0;
};

/// "FILE:LINE:COLUMN: WHAT: 'TEXT'", or "OPTION: column COLUMN: WHAT: 'TEXT'".
/// TEXT is cut to some 60 bytes, and bytes that aren't printable ASCII come out
/// as \xNN: a hostile list cannot write control sequences to a terminal.
[[nodiscard]] std::string to_string(const TextError& error);

/// A line an error for the first max_lines of them, then "... and N more".
/// No newline at the end.
[[nodiscard]] std::string to_string(const TextErrors& errors, std::size_t max_lines = 20);

}  // namespace afxfw
