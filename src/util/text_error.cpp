#include "util/text_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "util/printable.h"

namespace afxfw {
namespace {

constexpr std::size_t kMaxShownBytes = 60;

std::string in_quotes(std::string_view text) {
  return fmt::format("'{}{}'", printable(text.substr(0, kMaxShownBytes)),
                     text.size() > kMaxShownBytes ? "..." : "");
}

}  // namespace

void TextErrors::add(TextError error) {
  ++total_;
  if (kept_.size() < kMaxKept) kept_.push_back(std::move(error));
}

void TextErrors::append(TextErrors other) {
  total_ += other.total_;
  const std::size_t room = kMaxKept - kept_.size();
  const auto count = static_cast<std::ptrdiff_t>(std::min(room, other.kept_.size()));
  std::move(other.kept_.begin(), other.kept_.begin() + count, std::back_inserter(kept_));
}

std::string to_string(const TextError& error) {
  std::string out = error.line > 0
                        ? fmt::format("{}:{}:{}: ", error.source, error.line, error.column)
                        : fmt::format("{}: column {}: ", error.source, error.column);
  out += error.what;
  if (!error.text.empty()) out += ": " + in_quotes(error.text);
  return out;
}

std::string to_string(const TextErrors& errors, std::size_t max_lines) {
  const std::size_t shown = std::min(max_lines, errors.kept().size());
  std::string out;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) out += '\n';
    out += to_string(errors.kept()[i]);
  }
  if (errors.total() > shown) {
    if (shown > 0) out += '\n';
    out += fmt::format("... and {} more", errors.total() - shown);
  }
  return out;
}

}  // namespace afxfw
