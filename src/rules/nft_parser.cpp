#include "rules/nft_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "rules/nft_checks.h"
#include "rules/nft_expression.h"
#include "rules/nft_names.h"
#include "rules/nft_set_parser.h"
#include "rules/nft_statement.h"
#include "rules/nft_token_stream.h"

namespace afxfw::nft {
namespace {

using Kind = Token::Kind;

// A file that includes itself; nft's limit.
constexpr std::size_t kMaxIncludeDepth = 16;
constexpr std::size_t kMaxFiles = 4096;

class Parser {
 public:
  Parser(const IncludeReader& include, TextErrors& errors)
      : include_(include), errors_(errors), tokens_(errors) {}

  Table run(SourceFile file) {
    enter(std::move(file), 1);
    while (true) {
      tokens_.skip_separators();
      if (tokens_.peek().kind == Kind::kEnd) break;
      if (tokens_.peek().is("}")) {  // an error before took its "{" for its own
        tokens_.error(tokens_.take(), "nothing is open that this could close");
        continue;
      }
      recovering([&] {
        included_ = false;
        parse_top_level();
        if (!included_) tokens_.expect_separator();
      });
    }
    if (!seen_table_ && errors_.empty()) {
      tokens_.error(tokens_.peek(), "expected a table: table netdev NAME { … }");
    }
    return std::move(table_);
  }

 private:
  template <typename Step>
  void recovering(Step step) {
    const int open_braces = tokens_.open_braces();
    try {
      step();
    } catch (const SyntaxError&) {
      tokens_.skip_statement(open_braces);
    }
  }

  /// depth: how many files lead there, itself included.
  void enter(SourceFile file, std::size_t depth) {
    table_.files.push_back(std::move(file));
    depths_[&table_.files.back()] = depth;
    tokens_.enter(tokenize(table_.files.back(), errors_));
  }

  void parse_top_level() {
    if (parse_common()) return;
    const Token word = tokens_.peek();
    if (tokens_.take_if("table")) return parse_table();
    if (word.kind == Kind::kWord) {
      if (const std::string_view why = why_unsupported(word.text); !why.empty()) {
        tokens_.fail(why);
      }
    }
    tokens_.fail("expected table, define or include");
  }

  /// What may stand in files, tables and chains alike.
  bool parse_common() {
    if (tokens_.take_if("define")) {
      parse_define();
    } else if (tokens_.peek().is("include")) {
      parse_include();
    } else {
      return false;
    }
    return true;
  }

  void parse_define() {
    const Token name = tokens_.peek();
    static_cast<void>(parse_name(tokens_, "a name to define"));
    tokens_.expect("=", "after the name");
    std::vector<Token> value;
    std::size_t open_braces = 0;
    bool after_word = false;
    while (tokens_.peek().kind != Kind::kEnd &&
           (open_braces > 0 || tokens_.peek().kind != Kind::kSeparator)) {
      const Token token = tokens_.take();
      if (token.kind == Kind::kVariable) static_cast<void>(tokens_.definition(token));
      if (token.is("{")) ++open_braces;
      if (token.is("}") && open_braces-- == 0) tokens_.fail(token, "nothing is open here");
      const bool word =
          token.kind == Kind::kWord || token.kind == Kind::kString || token.kind == Kind::kVariable;
      if (word && after_word && open_braces == 0) {
        tokens_.fail(token, "a definition is one value, or several in braces");
      }
      after_word = word;
      value.push_back(token);
    }
    if (value.empty()) tokens_.fail("expected the value");
    tokens_.define(name, std::move(value));
  }

  void parse_include() {
    const Token word = tokens_.take();
    const Token path = tokens_.expect_string("the path");
    if (tokens_.peek().kind != Kind::kSeparator && tokens_.peek().kind != Kind::kEnd) {
      tokens_.fail("expected the end of the line after an include");
    }
    const std::size_t depth = depths_.at(word.place.file);
    if (depth >= kMaxIncludeDepth) {
      tokens_.fail(word, fmt::format("files include each other more than {} deep; does one include "
                                     "itself?",
                                     kMaxIncludeDepth));
    }
    auto files = include_(std::string(path.text));
    if (!files) tokens_.fail(path, files.error());
    if (table_.files.size() + files->size() > kMaxFiles) {
      tokens_.fail(word, fmt::format("more than {} files; does one include itself?", kMaxFiles));
    }
    // The last one entered is read first.
    std::for_each(files->rbegin(), files->rend(),
                  [&](SourceFile& file) { enter(std::move(file), depth + 1); });
    included_ = true;
  }

  void parse_table() {
    const Token family = tokens_.peek();
    if (!tokens_.take_if("netdev")) {
      tokens_.fail(family.kind == Kind::kWord
                       ? "afxfw has tables of the netdev family: table netdev NAME { … }"
                       : "expected netdev");
    }
    const Token place = tokens_.peek();
    std::string name = parse_name(tokens_, "the table's name");
    if (seen_table_ && name != table_.name) {
      tokens_.fail(place, fmt::format("afxfw has one table, and '{}' came before", table_.name));
    }
    seen_table_ = true;
    table_.name = std::move(name);
    parse_block([&] { parse_table_line(); });
  }

  /// "{ LINE … }"
  template <typename Line>
  void parse_block(Line line) {
    const Token open = tokens_.expect("{", "here");
    while (true) {
      tokens_.skip_separators();
      if (tokens_.take_if("}")) return;
      if (tokens_.peek().kind == Kind::kEnd) tokens_.fail(open, "this '{' is never closed");
      recovering([&] {
        included_ = false;
        line();
        if (!included_) tokens_.expect_separator();
      });
    }
  }

  void parse_table_line() {
    if (parse_common()) return;
    const Token word = tokens_.peek();
    if (tokens_.take_if("set")) {
      table_.sets.push_back(parse_set(tokens_));
    } else if (tokens_.take_if("chain")) {
      parse_chain();
    } else if (tokens_.take_if("comment")) {
      table_.comment = parse_comment(tokens_);
    } else {
      const std::string_view why =
          word.kind == Kind::kWord ? why_unsupported(word.text) : std::string_view();
      tokens_.fail(why.empty() ? "expected set, chain or comment" : why);
    }
  }

  void parse_chain() {
    const Place place = tokens_.peek().place;
    const std::string name = parse_name(tokens_, "the chain's name");
    // A chain may come in several pieces.
    auto found = std::find_if(table_.chains.begin(), table_.chains.end(),
                              [&](const Chain& each) { return each.name == name; });
    if (found == table_.chains.end()) {
      table_.chains.push_back({.name = name, .place = place});
      found = table_.chains.end() - 1;
    }
    const auto index = static_cast<std::size_t>(found - table_.chains.begin());
    parse_block([&] { parse_chain_line(table_.chains[index]); });
  }

  void parse_chain_line(Chain& chain) {
    if (parse_common()) return;
    if (tokens_.peek().is("type")) {
      parse_hook(chain);
    } else if (tokens_.peek().is("policy")) {
      parse_policy(chain);
    } else if (tokens_.take_if("comment")) {
      chain.comment = parse_comment(tokens_);
    } else {
      chain.rules.push_back(parse_rule(tokens_));
    }
  }

  void parse_hook(Chain& chain) {
    BaseChain base;
    base.place = tokens_.take().place;
    if (chain.base) tokens_.fail("this chain has a type already");
    tokens_.expect("filter", "as the chain's type; the netdev family has no other");
    tokens_.expect("hook", "after the type");
    if (tokens_.peek().is("egress")) {
      tokens_.fail("afxfw filters what an interface receives; the hook is ingress");
    }
    tokens_.expect("ingress", "as the hook");
    if (tokens_.take_if("device")) {
      base.devices.push_back(parse_device());
    } else if (tokens_.take_if("devices")) {
      tokens_.expect("=", "after devices");
      tokens_.expect("{", "before the devices");
      do {
        base.devices.push_back(parse_device());
      } while (tokens_.take_if(","));
      tokens_.expect("}", "after the devices");
    } else {
      tokens_.fail("expected the interface: device \"eth0\"");
    }
    tokens_.expect("priority", "after the device");
    parse_priority(base);
    chain.base = std::move(base);
    const Token end = tokens_.peek();
    if (end.is("policy")) tokens_.fail("expected ';' before the policy");
  }

  std::string parse_device() {
    constexpr std::size_t kMostBytes = 15;  // IFNAMSIZ without the zero
    tokens_.skip_lines();
    tokens_.expand();
    const Token device = tokens_.expect_text("an interface's name");
    if (device.text.empty() || device.text.size() > kMostBytes) {
      tokens_.fail(device, fmt::format("an interface's name has 1 to {} bytes", kMostBytes));
    }
    tokens_.skip_lines();
    return std::string(device.text);
  }

  void parse_priority(BaseChain& base) {
    constexpr std::uint64_t kMost = 0x7fff'ffff;
    if (tokens_.take_if("filter")) {
      const Token sign = tokens_.peek();
      if (!sign.is("+") && !sign.is("-")) {
        base.priority = "filter";
        return;
      }
      tokens_.take();
      base.priority =
          fmt::format("filter {} {}", sign.text, parse_number(tokens_, "a number", kMost));
      return;
    }
    const bool negative = tokens_.take_if("-");
    base.priority = fmt::format("{}{}", negative ? "-" : "",
                                parse_number(tokens_, "a priority, such as 0", kMost));
  }

  void parse_policy(Chain& chain) {
    const Token word = tokens_.take();
    if (!chain.base) tokens_.fail(word, "only a chain with a type and hook has a policy");
    const Token policy = tokens_.peek();
    if (!tokens_.take_if("accept") && !tokens_.take_if("drop")) {
      tokens_.fail("expected accept or drop");
    }
    chain.base->drop = policy.is("drop");
  }

  const IncludeReader& include_;
  TextErrors& errors_;
  TokenStream tokens_;
  Table table_;
  std::map<const SourceFile*, std::size_t> depths_;
  bool seen_table_ = false;
  bool included_ = false;  // the line was an include, and its separator comes behind the file
};

}  // namespace

tl::expected<Table, TextErrors> parse_rules(SourceFile file, const IncludeReader& include) {
  TextErrors errors;
  Table table = Parser(include, errors).run(std::move(file));
  if (errors.empty()) check(table, errors);
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return table;
}

}  // namespace afxfw::nft
