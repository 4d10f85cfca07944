#include "rules/nft_set_parser.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "rules/nft_expression.h"
#include "rules/nft_names.h"

namespace afxfw::nft {
namespace {

using Kind = Token::Kind;

const SetType* parse_type(TokenStream& tokens) {
  const Token word = tokens.expect_text("a type such as ipv4_addr");
  if (const SetType* type = find_set_type(word.text)) return type;
  std::string known;
  for (const SetType& each : set_types()) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", each.name);
  }
  tokens.fail(word, fmt::format("afxfw's sets hold {}", known));
}

class SetParser {
 public:
  explicit SetParser(TokenStream& tokens) : tokens_(tokens) {}

  Set run() {
    set_.place = tokens_.peek().place;
    set_.name = parse_name(tokens_, "the set's name");
    const Token open = tokens_.expect("{", "after the set's name");
    while (true) {
      tokens_.skip_separators();
      if (tokens_.take_if("}")) break;
      if (tokens_.peek().kind == Kind::kEnd) tokens_.fail(open, "this '{' is never closed");
      const int open_braces = tokens_.open_braces();
      try {
        const bool elements = tokens_.peek().is("elements");
        parse_line();
        // Braces end the elements; nft asks for no more.
        if (!elements || !tokens_.peek().is("}")) tokens_.expect_separator();
      } catch (const SyntaxError&) {
        tokens_.skip_statement(open_braces);
        failed_ = true;
      }
    }
    if (set_.types.empty() && !failed_) {
      tokens_.error(open, "a set needs a type, such as: type ipv4_addr");
    }
    return std::move(set_);
  }

 private:
  void parse_line() {
    const Token word = tokens_.take();
    if (word.is("type")) {
      parse_types(word);
    } else if (word.is("flags")) {
      parse_flags();
    } else if (word.is("timeout")) {
      set_.timeout_s = parse_time(tokens_);
      set_.timeouts = true;
    } else if (word.is("auto-merge")) {
      set_.auto_merge = true;
    } else if (word.is("counter")) {
      set_.counters = true;
    } else if (word.is("comment")) {
      set_.comment = parse_comment(tokens_);
    } else if (word.is("elements")) {
      parse_set_elements(word);
    } else if (word.is("typeof")) {
      tokens_.fail(word, "write the type, such as: type ipv4_addr");
    } else if (word.is("size") || word.is("policy") || word.is("gc-interval")) {
      tokens_.fail(word, "afxfw sizes and cleans its sets by itself; leave this line out");
    } else {
      tokens_.fail(word, "expected type, flags, timeout, auto-merge, counter, comment or elements");
    }
  }

  void parse_types(const Token& word) {
    if (!set_.types.empty()) tokens_.fail(word, "this set has a type already");
    set_.types.push_back(parse_type(tokens_));
    while (tokens_.peek().is(".")) {
      const Token dot = tokens_.take();
      if (set_.types.size() == kMaxConcatenation) {
        set_.types.clear();
        tokens_.fail(dot, fmt::format("a concatenation has at most {} parts", kMaxConcatenation));
      }
      set_.types.push_back(parse_type(tokens_));
    }
  }

  void parse_flags() {
    do {
      const Token flag = tokens_.expect_text("a flag: interval, timeout or constant");
      if (flag.text == "interval") {
        set_.intervals = true;
      } else if (flag.text == "timeout") {
        set_.timeouts = true;
      } else if (flag.text == "constant") {
        set_.constant = true;
      } else if (flag.text == "dynamic") {
        tokens_.fail(flag, "rules of afxfw add no elements to sets; leave this flag out");
      } else {
        tokens_.fail(flag, "expected a flag: interval, timeout or constant");
      }
    } while (tokens_.take_if(","));
  }

  void parse_set_elements(const Token& word) {
    if (set_.types.empty()) tokens_.fail(word, "a set's type has to come before its elements");
    if (!set_.elements.empty()) tokens_.fail(word, "this set has elements already");
    tokens_.expect("=", "after elements");
    Key key;
    for (const SetType* type : set_.types) key.push_back({type->type, type->bits});
    // What flags the set needs for them is checked when all its lines are known.
    set_.elements = parse_elements(
        tokens_, key, {.intervals = true, .timeouts = true, .comments = true, .counters = true});
    if (set_.elements.empty()) tokens_.fail(word, "expected at least one element");
  }

  TokenStream& tokens_;
  Set set_;
  bool failed_ = false;
};

}  // namespace

Set parse_set(TokenStream& tokens) { return SetParser(tokens).run(); }

}  // namespace afxfw::nft
