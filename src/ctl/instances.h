#pragma once

#include <string>
#include <vector>

namespace afxfw {

/// A running afxfw, as it answers.
struct Instance {
  std::string path;  ///< of its control socket
  std::string interface;
  long pid = 0;
};

/// Those with a socket in the directory that answer and that the caller may ask.
/// denied: sockets that it may not.
[[nodiscard]] std::vector<Instance> find_instances(const std::string& directory,
                                                   std::vector<std::string>& denied);

/// The socket of the one that is meant: of this interface, or "": of the only one.
/// Throws Error that names those there are.
[[nodiscard]] std::string choose_socket(const std::string& directory, const std::string& interface);

}  // namespace afxfw
