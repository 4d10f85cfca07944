#include "rules/run_time_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rules/nft_expression.h"
#include "rules/nft_token_stream.h"
#include "util/printable.h"

namespace afxfw {
namespace {

using Key = std::vector<nft::Interval>;

/// 136 years, the longest time that an element can have.
constexpr std::uint64_t kForeverS = std::uint64_t{1} << 32U;

tl::expected<NamedElement, std::string> parse_one(const nft::Set& set, const std::string& text) {
  const nft::SourceFile file{"element", "{ " + text + " }"};
  TextErrors errors;
  nft::Key key;
  for (const nft::SetType* type : set.types) key.push_back({type->type, type->bits});
  std::vector<nft::Element> elements;
  try {
    nft::TokenStream tokens(errors);
    tokens.enter(nft::tokenize(file, errors));
    elements = nft::parse_elements(
        tokens, key, {.intervals = set.intervals, .timeouts = true, .comments = true});
    if (tokens.peek().kind != nft::Token::Kind::kEnd) tokens.fail("expected one element");
  } catch (const nft::SyntaxError&) {  // noted in errors
  }
  if (errors.empty() && elements.size() == 1) {
    nft::Element& element = elements.front();
    const auto timeout = element.expires_s ? element.expires_s : element.timeout_s;
    return NamedElement{std::move(element.key), timeout, std::move(element.comment)};
  }
  return tl::unexpected(
      fmt::format("'{}' is no element of set {}: {}", printable(text), set.name,
                  errors.empty() ? "expected one element" : errors.kept().front().what));
}

nft::Interval interval_of(const Prefix& prefix) { return {prefix.first(), prefix.last()}; }

}  // namespace

std::string type_text(const nft::Set& set) {
  std::string text;
  for (const nft::SetType* type : set.types) {
    text += fmt::format("{}{}", text.empty() ? "" : " . ", type->name);
  }
  return text;
}

tl::expected<std::vector<NamedElement>, std::string> parse_elements_of(
    const nft::Set& set, const std::vector<std::string>& texts) {
  std::vector<NamedElement> elements;
  elements.reserve(texts.size());
  for (const std::string& text : texts) {
    auto element = parse_one(set, text);
    if (!element) return tl::unexpected(std::move(element.error()));
    elements.push_back(std::move(*element));
  }
  return elements;
}

bool RunTimeSet::Order::operator()(const Key& a, const Key& b) const noexcept {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](const nft::Interval& x, const nft::Interval& y) {
                                        return x.low != y.low ? x.low < y.low : x.high < y.high;
                                      });
}

void RunTimeSet::add(const Key& key, RunTimeNote note) { entries_[key] = {true, std::move(note)}; }

void RunTimeSet::remove(const Key& key) { entries_[key] = {false, {}}; }

void RunTimeSet::flush() {
  entries_.clear();
  flushed_ = true;
}

std::vector<Key> RunTimeSet::expire(std::uint64_t now_ms) {
  std::vector<Key> expired;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto& expires = entry->second.note.expires_ms;
    if (expires && *expires <= now_ms) {
      expired.push_back(entry->first);
      entry = entries_.erase(entry);
    } else {
      ++entry;
    }
  }
  return expired;
}

std::optional<std::uint64_t> RunTimeSet::next_expiry_ms() const noexcept {
  std::optional<std::uint64_t> next;
  for (const auto& [key, entry] : entries_) {
    const auto& expires = entry.note.expires_ms;
    if (expires && (!next || *expires < *next)) next = expires;
  }
  return next;
}

void RunTimeSet::apply_to(nft::Set& set, std::vector<Prefix>& prefixes) const {
  if (type_text(set) != type_) return;
  if (flushed_) {
    set.elements.clear();
    prefixes.clear();
  }
  // An element that was added again is the new one, with its comment and time.
  std::erase_if(set.elements,
                [this](const nft::Element& element) { return entries_.contains(element.key); });
  if (!entries_.empty()) {
    std::erase_if(prefixes, [this](const Prefix& prefix) {
      return entries_.contains(Key{interval_of(prefix)});
    });
  }
  for (const auto& [key, entry] : entries_) {
    if (!entry.added) continue;
    nft::Element element;
    element.key = key;
    element.comment = entry.note.comment;
    // Its time is kept here, to the millisecond; the set's own does not count.
    if (set.timeouts) element.expires_s = kForeverS;
    element.place = set.place;
    set.elements.push_back(std::move(element));
  }
}

}  // namespace afxfw
