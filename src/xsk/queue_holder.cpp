#include "xsk/queue_holder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace afxfw {

namespace {

bool maps_a_socket(const std::filesystem::path& process) {
  std::ifstream maps(process / "maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("socket:[") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::string describe_queue_holders() {
  std::string holders;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string pid = entry.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (pid == std::to_string(getpid()) || !maps_a_socket(entry.path())) continue;
    std::string command;
    std::ifstream(entry.path() / "comm") >> command;
    holders += fmt::format("{}{}, pid {}", holders.empty() ? " (probably by " : "; ", command, pid);
  }
  if (!holders.empty()) holders += ")";
  return holders;
}

}  // namespace afxfw
