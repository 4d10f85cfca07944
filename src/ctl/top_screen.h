#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "util/json.h"

namespace afxfw {

/// What top knows of one moment.
struct TopSample {
  Json status;   ///< the answer to status
  Json sources;  ///< to top_sources
};

/// What the user has chosen.
struct TopView {
  enum class Sort {
    kPackets,  ///< by packets a second
    kBits,     ///< by bits a second; sources by packets a second
    kTotal,    ///< by packets in all; sources by those of the window
    kNumber,   ///< rules as they are evaluated; sources by address
  };
  Sort sort = Sort::kPackets;
  std::size_t count = 10;  ///< rules and sources, at most
  bool paused = false;
  bool help = false;
  std::string note{};  ///< shown in place of the keys
};

struct ScreenSize {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

/// For output that is no screen: as many lines as it takes, and no keys.
inline constexpr ScreenSize kNoScreen{std::numeric_limits<std::size_t>::max(),
                                      std::numeric_limits<std::size_t>::max()};

/// One line, printable ASCII and no longer than the screen is wide.
struct ScreenLine {
  enum class Style { kPlain, kTitle, kHeading };
  std::string text;
  Style style = Style::kPlain;
};

/// What top shows; no more lines than the screen has. Rates are those between `before` and `now`;
/// nullptr: those that afxfw measured last, as far as it does.
[[nodiscard]] std::vector<ScreenLine> top_screen(const TopSample* before, const TopSample& now,
                                                 const TopView& view, ScreenSize size);

}  // namespace afxfw
