#include "rules/nft_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace afxfw::nft {
namespace {

using Kind = Token::Kind;

// Longest first: "<=" before "<".
constexpr std::array<std::string_view, 22> kOperators = {
    "==", "!=", "<=", ">=", "<<", ">>", "{", "}", "(", ")", ",",
    "=",  "<",  ">",  "&",  "|",  "^",  "!", "-", "/", "+", "*"};

constexpr std::string_view kBlanks = " \t\r\f\v";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_name(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
// What numbers, addresses and times are made of.
bool is_value(char c) noexcept { return is_name(c) || c == '.' || c == ':'; }
// They would go on to a terminal with the listing.
bool is_control(char c) noexcept { return (c >= 0 && c < ' ') || c == '\x7f'; }
bool is_word(char c) noexcept { return is_name(c) || c == '.' || c == '/' || c == '-'; }

class Lexer {
 public:
  Lexer(const SourceFile& file, TextErrors& errors)
      : file_(file), rest_(file.text), errors_(errors) {}

  std::vector<Token> run() {
    while (skip_blanks()) next();
    add(Kind::kEnd, {});
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] Place here() const noexcept { return {&file_, line_, column_}; }

  void add(Kind kind, std::string_view text) { tokens_.push_back({kind, text, here()}); }

  void advance(std::size_t count) noexcept {
    rest_.remove_prefix(count);
    column_ += static_cast<std::uint32_t>(count);
  }

  void advance_line(std::size_t count) noexcept {
    rest_.remove_prefix(count);
    ++line_;
    column_ = 1;
  }

  /// Comments and continued lines are blanks too. False at the end.
  bool skip_blanks() noexcept {
    while (!rest_.empty()) {
      if (kBlanks.find(rest_.front()) != std::string_view::npos) {
        advance(1);
      } else if (rest_.front() == '#') {
        advance(std::min(rest_.find('\n'), rest_.size()));
      } else if (rest_.starts_with("\\\n")) {
        advance_line(2);
      } else if (rest_.starts_with("\\\r\n")) {
        advance_line(3);
      } else {
        return true;
      }
    }
    return false;
  }

  template <typename Predicate>
  [[nodiscard]] std::string_view run_of(Predicate belongs, std::size_t from = 0) const noexcept {
    std::size_t end = from;
    while (end < rest_.size() && belongs(rest_[end])) ++end;
    return rest_.substr(from, end - from);
  }

  void next() {
    const char c = rest_.front();
    if (c == '\n') {
      add(Kind::kSeparator, {});
      advance_line(1);
    } else if (c == ';') {
      add(Kind::kSeparator, rest_.substr(0, 1));
      advance(1);
    } else if (c == '"') {
      string();
    } else if (c == '$' || c == '@') {
      reference(c == '$' ? Kind::kVariable : Kind::kSetName);
    } else if (is_name(c) || c == ':') {
      word();
    } else if (c == '.') {
      dot();
    } else {
      symbol();
    }
  }

  void word() {
    std::string_view text = run_of(is_value);
    const bool value = is_digit(text.front()) || text.find(':') != std::string_view::npos;
    if (!value) text = run_of(is_word);
    add(Kind::kWord, text);
    advance(text.size());
  }

  void reference(Kind kind) {
    const std::string_view name = run_of(is_word, 1);
    if (name.empty() || is_digit(name.front())) return refuse(1, "expected a name after it");
    add(kind, name);
    advance(1 + name.size());
  }

  void string() {
    const std::size_t end = rest_.find_first_of("\"\n", 1);
    if (end == std::string_view::npos || rest_[end] == '\n') {
      return refuse(std::min(end, rest_.size()), "this string does not end on its line");
    }
    const std::string_view text = rest_.substr(1, end - 1);
    if (std::any_of(text.begin(), text.end(), is_control)) {
      return refuse(end + 1, "a string cannot have control characters");
    }
    add(Kind::kString, text);
    advance(end + 1);
  }

  /// Between the parts of a concatenation.
  void dot() {
    if (rest_.size() > 1 && is_value(rest_[1])) {
      return refuse(1, "a concatenation has a blank on both sides of its dot");
    }
    add(Kind::kOperator, rest_.substr(0, 1));
    advance(1);
  }

  void symbol() {
    for (const std::string_view symbol : kOperators) {
      if (!rest_.starts_with(symbol)) continue;
      add(Kind::kOperator, rest_.substr(0, symbol.size()));
      return advance(symbol.size());
    }
    // A run of them makes one error.
    refuse(run_of([](char c) {
             return !is_value(c) && c != '\n' && c != ';' && c != '"' && c != '#' && c != '$' &&
                    c != '@' && kBlanks.find(c) == std::string_view::npos &&
                    std::none_of(kOperators.begin(), kOperators.end(),
                                 [c](std::string_view symbol) { return symbol.front() == c; });
           }).size(),
           "this means nothing here");
  }

  void refuse(std::size_t length, const char* what) {
    errors_.add({file_.name, line_, column_, std::string(rest_.substr(0, length)), what});
    advance(std::max<std::size_t>(length, 1));
  }

  const SourceFile& file_;
  std::string_view rest_;
  TextErrors& errors_;
  std::vector<Token> tokens_;
  std::uint32_t line_ = 1;
  std::uint32_t column_ = 1;
};

}  // namespace

namespace {

std::string text_of(const Token& token) {
  switch (token.kind) {
    case Kind::kEnd:
      return "end of file";
    case Kind::kSeparator:
      return token.text.empty() ? "end of line" : ";";
    case Kind::kVariable:
      return fmt::format("${}", token.text);
    case Kind::kSetName:
      return fmt::format("@{}", token.text);
    case Kind::kWord:
    case Kind::kString:
    case Kind::kOperator:
      break;
  }
  return std::string(token.text);
}

}  // namespace

TextError error_at(const Token& token, std::string what) {
  return {token.place.file->name, token.place.line, token.place.column, text_of(token),
          std::move(what)};
}

std::vector<Token> tokenize(const SourceFile& file, TextErrors& errors) {
  return Lexer(file, errors).run();
}

}  // namespace afxfw::nft
