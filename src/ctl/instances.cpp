#include "ctl/instances.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "ctl/connection.h"
#include "util/error.h"
#include "util/json.h"

namespace afxfw {

namespace {

/// By the network namespace of a process, its own if pid is "self"; 0 if it cannot be told.
ino_t network_namespace(const std::string& pid) {
  struct stat status {};
  return stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &status) == 0 ? status.st_ino : 0;
}

std::string list(const std::vector<Instance>& instances) {
  std::string text;
  for (const Instance& each : instances) {
    text += fmt::format("\n  {} (pid {}): --socket {}", each.interface, each.pid, each.path);
  }
  return text;
}

}  // namespace

std::vector<Instance> find_instances(const std::string& directory,
                                     std::vector<std::string>& denied) {
  std::vector<Instance> instances;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string path = entry.path();
    if (!path.ends_with(".sock") || !entry.is_socket(error)) continue;
    try {
      ControlConnection connection(path);
      const Json version = connection.require({.command = protocol::Command::kVersion});
      instances.push_back({path, version.value("interface", ""), version.value("pid", 0L)});
    } catch (const Error& failure) {
      if (failure.code() == ExitCode::kPrivilege) denied.push_back(path);
    }
  }
  std::sort(instances.begin(), instances.end(),
            [](const Instance& a, const Instance& b) { return a.path < b.path; });
  return instances;
}

std::string choose_socket(const std::string& directory, const std::string& interface) {
  std::vector<std::string> denied;
  const std::vector<Instance> all = find_instances(directory, denied);
  std::vector<Instance> meant;
  std::copy_if(all.begin(), all.end(), std::back_inserter(meant), [&](const Instance& each) {
    return interface.empty() || each.interface == interface;
  });
  if (meant.size() > 1) {
    // Interfaces of other network namespaces may have the same name.
    const ino_t own = network_namespace("self");
    std::vector<Instance> here;
    std::copy_if(meant.begin(), meant.end(), std::back_inserter(here), [&](const Instance& each) {
      return network_namespace(std::to_string(each.pid)) == own;
    });
    if (here.size() == 1) meant = here;
  }
  if (meant.size() == 1) return meant.front().path;
  if (meant.size() > 1) {
    throw Error(fmt::format("several afxfw run{}; say which one is meant:{}",
                            interface.empty() ? "" : " on an interface of this name", list(meant)),
                ExitCode::kUsage);
  }
  if (!denied.empty()) {
    throw Error(fmt::format("{}: permission denied; be root, or a member of the group that afxfw's "
                            "option --control-group names",
                            fmt::join(denied, ", ")),
                ExitCode::kPrivilege);
  }
  if (all.empty()) {
    throw Error(
        fmt::format("no afxfw runs: there is no live control socket in {}; start one with "
                    "afxfw --iface {}",
                    directory, interface.empty() ? "eth0" : interface));
  }
  throw Error(fmt::format("no afxfw runs on {}; there are:{}", interface, list(all)));
}

}  // namespace afxfw
