#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/nft_lexer.h"

namespace afxfw::nft {

/// Thrown by TokenStream::fail() once the error has been noted, and caught where
/// the parser can go on: never leaves parse_rules().
struct SyntaxError {};

/// The tokens of a file with those of the files it includes in their places, and
/// the values that `define` has named. Notes what is wrong in `errors`.
class TokenStream {
 public:
  explicit TokenStream(TextErrors& errors) : errors_(errors) {}

  /// What comes next are these tokens, of which the last is kEnd; then, what
  /// came next before.
  void enter(std::vector<Token> tokens);

  [[nodiscard]] const Token& peek();
  Token take();
  bool take_if(std::string_view word);
  /// context: for the error, as in "after a set's name".
  Token expect(std::string_view word, std::string_view context);
  /// A word or string. what: for the error, as in "a chain's name".
  Token expect_text(std::string_view what);
  Token expect_string(std::string_view what);

  /// Line ends, where the language ignores them: between elements, for one.
  void skip_lines();
  void skip_separators();
  /// A statement ends here.
  void expect_separator();
  /// How many braces are open in what was taken so far.
  [[nodiscard]] int open_braces() const noexcept { return open_braces_; }
  /// Goes on after what went wrong in a statement before which so many braces were
  /// open: behind the next separator outside of its own braces, or in front of the
  /// brace that closes what it stands in.
  void skip_statement(int open_braces);

  /// Where a value may stand: replaces $name by what it was defined as.
  void expand();
  void define(const Token& name, std::vector<Token> tokens);
  /// What a name was defined as; fails if it was not.
  [[nodiscard]] const std::vector<Token>& definition(const Token& name);

  void error(const Token& token, std::string_view what) {
    errors_.add(error_at(token, std::string(what)));
  }
  [[noreturn]] void fail(const Token& token, std::string_view what);
  [[noreturn]] void fail(std::string_view what) { fail(peek(), what); }

 private:
  struct Frame {
    std::vector<Token> tokens;
    std::size_t position = 0;
  };

  TextErrors& errors_;
  std::vector<Frame> frames_;  // innermost last; the first one is never left
  std::map<std::string, std::vector<Token>, std::less<>> definitions_;
  int open_braces_ = 0;
  std::size_t expanded_ = 0;  // tokens that came from definitions
};

}  // namespace afxfw::nft
