#pragma once

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pktgen/parse.h"
#include "util/error.h"

namespace afxfw::pktgen {

/// Throws a usage error about an option.
[[noreturn]] inline void fail(std::string_view option, std::string_view what) {
  throw Error(fmt::format("--{}: {}", option, what), ExitCode::kUsage);
}

/// The values that were given, by option name.
class Values {
 public:
  explicit Values(boost::program_options::variables_map map) : map_(std::move(map)) {}

  [[nodiscard]] bool has(const std::string& option) const { return map_.count(option) != 0; }

  /// Whether it was written on the command line, rather than set by default.
  [[nodiscard]] bool given(const std::string& option) const {
    return has(option) && !map_.at(option).defaulted();
  }

  /// All that were written on the command line.
  [[nodiscard]] std::vector<std::string> all_given() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : map_) {
      if (!value.defaulted()) names.push_back(name);
    }
    return names;
  }

  template <typename T>
  [[nodiscard]] T get(const std::string& option) const {
    return map_.at(option).as<T>();
  }

  [[nodiscard]] std::optional<std::string> text(const std::string& option) const {
    if (!has(option)) return std::nullopt;
    return get<std::string>(option);
  }

  /// A given option's value through one of the parse functions.
  template <typename T>
  [[nodiscard]] std::optional<T> parsed(const std::string& option,
                                        Parsed<T> (*parse)(std::string_view)) const {
    if (!has(option)) return std::nullopt;
    Parsed<T> value = parse(get<std::string>(option));
    if (!value) fail(option, value.error());
    return *value;
  }

  /// Seconds, more than 0.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> seconds(const std::string& option) const {
    // Far more than anyone waits for, far less than nanoseconds overflow at.
    constexpr double kLongestSeconds = 1e8;
    if (!has(option)) return std::nullopt;
    const auto seconds = get<double>(option);
    if (!(seconds > 0) || seconds > kLongestSeconds) {
      fail(option, "give seconds, more than 0, such as 10 or 0.5");
    }
    return std::chrono::nanoseconds(std::llround(seconds * 1e9));
  }

  template <typename T, std::size_t N>
  [[nodiscard]] T choice(const std::string& option,
                         const std::array<std::pair<std::string_view, T>, N>& choices) const {
    const auto given = get<std::string>(option);
    std::string known;
    for (const auto& [word, value] : choices) {
      if (given == word) return value;
      known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
    }
    fail(option, fmt::format("'{}' is none of {}", given, known));
  }

 private:
  boost::program_options::variables_map map_;
};

}  // namespace afxfw::pktgen
