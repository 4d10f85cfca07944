#include "rules/nft_token_stream.h"

#include <fmt/format.h>

#include <utility>

namespace afxfw::nft {

using Kind = Token::Kind;

void TokenStream::enter(std::vector<Token> tokens) {
  // The last line of an included file ends, too.
  if (!frames_.empty()) tokens.back().kind = Kind::kSeparator;
  frames_.push_back({std::move(tokens)});
}

const Token& TokenStream::peek() {
  while (frames_.size() > 1 && frames_.back().position == frames_.back().tokens.size()) {
    frames_.pop_back();
  }
  return frames_.back().tokens[frames_.back().position];
}

Token TokenStream::take() {
  const Token token = peek();
  if (token.kind != Kind::kEnd) ++frames_.back().position;
  if (token.is("{")) ++open_braces_;
  if (token.is("}")) --open_braces_;
  return token;
}

bool TokenStream::take_if(std::string_view word) {
  if (!peek().is(word)) return false;
  take();
  return true;
}

Token TokenStream::expect(std::string_view word, std::string_view context) {
  if (!peek().is(word)) fail(fmt::format("expected '{}' {}", word, context));
  return take();
}

Token TokenStream::expect_text(std::string_view what) {
  const Kind kind = peek().kind;
  if (kind != Kind::kWord && kind != Kind::kString) fail(fmt::format("expected {}", what));
  return take();
}

Token TokenStream::expect_string(std::string_view what) {
  if (peek().kind != Kind::kString) fail(fmt::format("expected {} in double quotes", what));
  return take();
}

void TokenStream::skip_lines() {
  while (peek().kind == Kind::kSeparator && peek().text.empty()) take();
}

void TokenStream::skip_separators() {
  while (peek().kind == Kind::kSeparator) take();
}

void TokenStream::expect_separator() {
  const Kind kind = peek().kind;
  if (kind == Kind::kSeparator) {
    take();
  } else if (kind != Kind::kEnd) {
    fail("expected the end of the line, or ';'");
  }
}

void TokenStream::skip_statement(int open_braces) {
  while (peek().kind != Kind::kEnd) {
    const bool outside = open_braces_ <= open_braces;
    if (outside && (peek().kind == Kind::kSeparator || peek().is("}"))) break;
    take();
  }
  if (peek().kind == Kind::kSeparator) take();
}

void TokenStream::expand() {
  // One variable may begin with another one.
  while (peek().kind == Kind::kVariable) {
    const Token name = take();
    const std::vector<Token>& value = definition(name);
    // Definitions of definitions of definitions can grow without bound.
    constexpr std::size_t kMostExpanded = std::size_t{1} << 22;
    expanded_ += value.size();
    if (expanded_ > kMostExpanded) fail(name, "definitions make these rules too long");
    frames_.push_back({value});
  }
}

const std::vector<Token>& TokenStream::definition(const Token& name) {
  const auto found = definitions_.find(name.text);
  if (found == definitions_.end()) {
    fail(name, fmt::format("nothing of this name is defined; write: define {} = …", name.text));
  }
  return found->second;
}

void TokenStream::define(const Token& name, std::vector<Token> tokens) {
  if (!definitions_.emplace(std::string(name.text), std::move(tokens)).second) {
    error(name, "this name is already defined");
  }
}

void TokenStream::fail(const Token& token, std::string_view what) {
  error(token, what);
  throw SyntaxError{};
}

}  // namespace afxfw::nft
