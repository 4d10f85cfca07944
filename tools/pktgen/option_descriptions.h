#pragma once

#include <boost/program_options.hpp>

#include <string>

namespace afxfw::pktgen {

/// All options with their names, kinds and defaults.
[[nodiscard]] boost::program_options::options_description all_options();

/// What --help prints: the options in groups, then examples.
[[nodiscard]] std::string help_text();

}  // namespace afxfw::pktgen
