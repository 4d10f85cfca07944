#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "util/text_error.h"

namespace afxfw::nft {

/// A file with rules. Tokens point into it, so it stays where it is.
struct SourceFile {
  std::string name;  ///< for errors
  std::string text;
};

/// A place in a file.
struct Place {
  const SourceFile* file = nullptr;
  std::uint32_t line = 0;    ///< from 1
  std::uint32_t column = 0;  ///< from 1, in bytes
};

struct Token {
  enum class Kind : std::uint8_t {
    kWord,       ///< a name, number, address: "saddr", "80", "2001:db8::1", "echo-request"
    kString,     ///< "in quotes"; text is what is between them
    kVariable,   ///< $name; text is the name
    kSetName,    ///< @name; text is the name
    kOperator,   ///< "{", "==", "-" and the like
    kSeparator,  ///< end of a line, or ";"
    kEnd,        ///< of the file
  };

  Kind kind = Kind::kEnd;
  std::string_view text;
  Place place;

  [[nodiscard]] bool is(std::string_view what) const noexcept {
    return (kind == Kind::kOperator || kind == Kind::kWord) && text == what;
  }
};

[[nodiscard]] TextError error_at(const Token& token, std::string what);

/// Cuts a file into tokens, the last of them kEnd. As in nftables' language,
/// "#" starts a comment and "\" at the end of a line continues it. A word that
/// starts with a digit or holds a ":" ends at "-" and "/", so that ranges and
/// prefixes come as three tokens; in other words these are letters.
/// What cannot be a token is left out, with an error.
[[nodiscard]] std::vector<Token> tokenize(const SourceFile& file, TextErrors& errors);

}  // namespace afxfw::nft
