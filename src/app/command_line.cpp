#include "app/command_line.h"

#include "util/error.h"

namespace afxfw {

namespace po = boost::program_options;

void throw_usage(const std::string& text) { throw Error(text + "; try --help", ExitCode::kUsage); }

void read_command_line(int argc, const char* const* argv, const po::options_description& options,
                       const po::positional_options_description& positional,
                       po::variables_map& variables) {
  po::store(
      po::command_line_parser(argc, argv)
          .options(options)
          .positional(positional)
          // No guessing: an abbreviation may mean another option tomorrow.
          .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
          .run(),
      variables);
}

std::vector<std::string> strings(const po::variables_map& variables, const char* option) {
  return variables.count(option) != 0 ? variables[option].as<std::vector<std::string>>()
                                      : std::vector<std::string>{};
}

}  // namespace afxfw
