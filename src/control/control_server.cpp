#include "control/control_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "control/control_session.h"
#include "util/error.h"
#include "util/log.h"

namespace afxfw {

namespace {

/// After which accepting is tried again when the process has no descriptor left.
constexpr std::chrono::milliseconds kAcceptRetry{500};

int duplicate(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw errno_error("cannot duplicate the control socket's descriptor", errno);
  return copy;
}

}  // namespace

void ControlReply::operator()(const protocol::Response& response,
                              std::function<void()> after) const {
  if (const auto session = session_.lock()) {
    session->answer(response, std::move(after));
  } else if (after) {
    after();
  }
}

void ControlReply::monitor() const {
  if (const auto session = session_.lock()) session->monitor();
}

void ControlReply::hand_over(const protocol::Response& response,
                             std::function<void(Fd connection)> then) const {
  if (const auto session = session_.lock()) {
    session->hand_over(response, std::move(then));
  } else {
    then(Fd());
  }
}

ControlServer::ControlServer(boost::asio::io_context& context,
                             std::unique_ptr<ControlSocket> socket, Options options,
                             Handler handler)
    : context_(context),
      socket_(std::move(socket)),
      options_(options),
      handler_(std::move(handler)),
      acceptor_(context, Protocol(), duplicate(socket_->fd())),
      retry_(context) {
  accept();
}

ControlServer::~ControlServer() {
  const std::vector<std::shared_ptr<ControlSession>> sessions(sessions_.begin(), sessions_.end());
  for (const auto& session : sessions) session->close();
}

void ControlServer::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, Protocol::socket socket) {
    if (error == boost::asio::error::operation_aborted) return;
    if (!error) {
      add(std::move(socket));
      return accept();
    }
    log_warn("control: cannot accept a client: {}; trying again", error.message());
    retry_.expires_after(kAcceptRetry);
    retry_.async_wait([this](const boost::system::error_code& aborted) {
      if (!aborted) accept();
    });
  });
}

void ControlServer::add(Protocol::socket socket) {
  Peer peer;
  try {
    peer = peer_of(socket.native_handle());
  } catch (const Error&) {
    return;  // gone already
  }
  const bool may_read = options_.access.may_read(peer);
  const std::size_t most =
      options_.limits.clients -
      (options_.access.may_change(peer) ? 0 : options_.limits.reserved_clients);
  const bool full = sessions_.size() >= most;
  const auto session = std::make_shared<ControlSession>(*this, std::move(socket), peer);
  sessions_.insert(session);
  if (!may_read) {
    session->refuse({protocol::ErrorCode::kDenied,
                     fmt::format("{} is neither root nor in the socket's group", describe(peer))});
  } else if (full) {
    session->refuse({protocol::ErrorCode::kBusy,
                     fmt::format("{} clients are connected already; try again", most)});
  } else {
    session->start();
  }
}

void ControlServer::publish(const Json& event) {
  const std::string line = protocol::event_line(event);
  for (const auto& session : std::vector(sessions_.begin(), sessions_.end())) {
    session->send_event(line);
  }
}

}  // namespace afxfw
