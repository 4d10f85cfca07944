#include "ctl/connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace afxfw {

namespace {

/// For a reload of a million prefixes on a busy machine, several times over.
constexpr std::chrono::seconds kAnswerTime{60};
/// Larger than what any answer needs: afxfw sends elements by the page.
constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 20U;

Error connect_error(const std::string& path, int error_number) {
  switch (error_number) {
    case ENOENT:
      return Error(
          fmt::format("there is no control socket {}: no afxfw runs there, or it was "
                      "started with another --control",
                      path));
    case ECONNREFUSED:
      return Error(fmt::format("nobody listens on {}: the afxfw that made it was killed", path));
    case EACCES:
      return Error(fmt::format("{}: permission denied; be root, or a member of the group that "
                               "afxfw's option --control-group names",
                               path),
                   ExitCode::kPrivilege);
    default:
      return errno_error("cannot connect to " + path, error_number);
  }
}

/// Whether the socket is ready before the time is over.
bool wait_for(int socket, short events, std::optional<std::chrono::milliseconds> timeout) {
  pollfd poll_fd{socket, events, 0};
  while (true) {
    const int ready = poll(&poll_fd, 1, timeout ? static_cast<int>(timeout->count()) : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) throw errno_error("cannot wait for afxfw", errno);
    return ready > 0;
  }
}

}  // namespace

ControlConnection::ControlConnection(const std::string& path)
    : path_(path), socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (!socket_) throw errno_error("cannot create a Unix socket", errno);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    throw Error(fmt::format("the path of a socket has {} bytes at most: {}",
                            sizeof(address.sun_path) - 1, path),
                ExitCode::kUsage);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw connect_error(path, errno);
  }
}

void ControlConnection::send(const protocol::Request& request) {
  const std::string line = protocol::to_line(request);
  std::size_t sent = 0;
  while (sent < line.size()) {
    if (!wait_for(socket_.get(), POLLOUT, kAnswerTime)) {
      throw Error(fmt::format("the afxfw at {} does not take the request", path_));
    }
    const ssize_t count =
        ::send(socket_.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    // It may have said why before it closed.
    if (count < 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

std::optional<std::string> ControlConnection::read_line(
    std::optional<std::chrono::milliseconds> timeout) {
  std::size_t searched = 0;
  while (true) {
    if (auto line = line_in_input(searched)) return line;
    searched = input_.size();
    if (!wait_for(socket_.get(), POLLIN, timeout)) {
      throw Error(fmt::format("the afxfw at {} does not answer", path_));
    }
    if (!receive(0)) return std::nullopt;
  }
}

bool ControlConnection::read_some(std::string& bytes) {
  const bool more = receive(MSG_DONTWAIT) || errno == EAGAIN;
  bytes += std::exchange(input_, {});
  return more;
}

void ControlConnection::end_requests() noexcept { shutdown(socket_.get(), SHUT_WR); }
std::optional<std::string> ControlConnection::take_line() {
  std::size_t searched = 0;
  while (true) {
    if (auto line = line_in_input(searched)) return line;
    searched = input_.size();
    if (receive(MSG_DONTWAIT)) continue;
    if (errno == EAGAIN) return std::nullopt;
    throw Error(fmt::format("the afxfw at {} has ended", path_));
  }
}

std::optional<std::string> ControlConnection::line_in_input(std::size_t searched) {
  const std::size_t newline = input_.find('\n', searched);
  if (newline == std::string::npos) {
    if (input_.size() > kMaxAnswerBytes) throw Error(path_ + ": the answer has no end");
    return std::nullopt;
  }
  std::string line = input_.substr(0, newline);
  input_.erase(0, newline + 1);
  return line;
}

bool ControlConnection::receive(int flags) {
  std::array<char, 65536> buffer;
  ssize_t count = -1;
  do {
    errno = 0;
    count = recv(socket_.get(), buffer.data(), buffer.size(), flags);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  input_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

protocol::Response ControlConnection::ask(const protocol::Request& request) {
  send(request);
  const auto line = read_line(kAnswerTime);
  if (!line) throw Error(fmt::format("the afxfw at {} closed the connection", path_));
  return protocol::parse_response(*line);
}

Json ControlConnection::require(const protocol::Request& request) {
  protocol::Response response = ask(request);
  if (!response) throw Error(response.error().message, exit_code(response.error().code));
  return std::move(*response);
}

pid_t ControlConnection::server_pid() const {
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  if (getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    throw errno_error("cannot find out who listens on " + path_, errno);
  }
  return credentials.pid;
}

ExitCode exit_code(protocol::ErrorCode code) noexcept {
  switch (code) {
    case protocol::ErrorCode::kMalformed:
    case protocol::ErrorCode::kInvalid:
      return ExitCode::kUsage;
    case protocol::ErrorCode::kDenied:
      return ExitCode::kPrivilege;
    case protocol::ErrorCode::kBusy:
    case protocol::ErrorCode::kFailed:
      break;
  }
  return ExitCode::kRuntime;
}

}  // namespace afxfw
