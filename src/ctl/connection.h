#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "protocol/request.h"
#include "protocol/response.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/json.h"

namespace afxfw {

/// A client's connection to a running afxfw. Blocks, with a limit.
class ControlConnection {
 public:
  /// Throws Error: kPrivilege if the socket may not be used, kRuntime with what to do
  /// if nobody listens there.
  explicit ControlConnection(const std::string& path);

  /// Sends a request and returns its answer. Throws Error if there is none in time.
  [[nodiscard]] protocol::Response ask(const protocol::Request& request);
  /// The same, for a request that must be carried out. Throws Error with what afxfw says.
  [[nodiscard]] Json require(const protocol::Request& request);

  void send(const protocol::Request& request);
  /// Nothing: afxfw has ended the connection. timeout: nothing: as long as it takes.
  [[nodiscard]] std::optional<std::string> read_line(
      std::optional<std::chrono::milliseconds> timeout);

  /// For what follows an answer that is not made of lines: appends what has come, and
  /// waits for nothing. False: afxfw has ended the connection. fd() says nothing of
  /// what has been read behind a line.
  [[nodiscard]] bool read_some(std::string& bytes);
  /// Tells afxfw that nothing more will be asked for.
  void end_requests() noexcept;
  /// For poll(): something has come, or the connection has ended; take_line() then.
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }
  /// A line if a whole one is there: never waits. Throws Error when afxfw has ended the
  /// connection.
  [[nodiscard]] std::optional<std::string> take_line();

  /// The process that listens.
  [[nodiscard]] pid_t server_pid() const;

 private:
  /// Of what has come; searched: so much of it is known to have no newline.
  [[nodiscard]] std::optional<std::string> line_in_input(std::size_t searched);
  /// Adds to it what recv() gives. False: nothing, with errno; 0: the end.
  [[nodiscard]] bool receive(int flags);

  std::string path_;
  Fd socket_;
  std::string input_;
};

/// What an answer's error means to a program.
[[nodiscard]] ExitCode exit_code(protocol::ErrorCode code) noexcept;

}  // namespace afxfw
