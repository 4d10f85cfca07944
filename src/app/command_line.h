#pragma once

#include <boost/program_options.hpp>

#include <string>
#include <vector>

namespace afxfw {

/// What is wrong with the command line, as Error (kUsage).
[[noreturn]] void throw_usage(const std::string& text);

/// Adds what the command line says to `variables`. Options are not guessed from
/// abbreviations; words that are no options are refused unless positional.
/// Throws boost::program_options::error.
void read_command_line(int argc, const char* const* argv,
                       const boost::program_options::options_description& options,
                       const boost::program_options::positional_options_description& positional,
                       boost::program_options::variables_map& variables);

/// The values of an option that may be repeated.
[[nodiscard]] std::vector<std::string> strings(
    const boost::program_options::variables_map& variables, const char* option);

}  // namespace afxfw
