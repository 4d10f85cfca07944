#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_set>

#include "control/control_socket.h"
#include "control/peer.h"
#include "protocol/request.h"
#include "protocol/response.h"
#include "util/fd.h"
#include "util/json.h"

namespace afxfw {

class ControlSession;

/// Where the answer to a request goes, now or later; to be used once, on the loop's
/// thread. It may be kept for longer than the connection, the server and the loop are
/// there; then it does nothing.
class ControlReply {
 public:
  explicit ControlReply(std::weak_ptr<ControlSession> session) : session_(std::move(session)) {}

  /// after: called in any case, once the answer is on its way or cannot be sent.
  void operator()(const protocol::Response& response, std::function<void()> after = {}) const;
  /// Answers that all is well; from then on the client gets what
  /// ControlServer::publish() is given.
  void monitor() const;
  /// Answers, and gives up the connection: `then` gets it, or -1 if the client has gone,
  /// in any case. What the client has sent since its request is lost.
  void hand_over(const protocol::Response& response, std::function<void(Fd connection)> then) const;

 private:
  std::weak_ptr<ControlSession> session_;
};

/// What keeps one client from doing harm to others.
struct ControlLimits {
  std::size_t clients = 256;
  /// Of these, only those who may change things get the last ones.
  std::size_t reserved_clients = 32;
  /// A request from somebody who may only read; others: protocol::kMaxRequestBytes.
  std::size_t read_request_bytes = std::size_t{64} << 10U;
  /// From the first byte of a request to its end, and for an answer to be taken.
  std::chrono::milliseconds transfer_time{10'000};
  /// Between two requests.
  std::chrono::milliseconds idle_time{60'000};
  /// Events that a monitor has not taken yet; more are lost, and it is told how many.
  std::size_t event_bytes = std::size_t{256} << 10U;
};

/// Answers requests of docs/control.md on a Unix socket. Everything happens on the
/// thread of the loop, and nothing there waits for a client: each has its own
/// buffers and its own time.
class ControlServer {
 public:
  /// Called for requests that the peer is entitled to.
  using Handler =
      std::function<void(const protocol::Request& request, const Peer& peer, ControlReply reply)>;

  struct Options {
    ControlAccess access;
    ControlLimits limits;
  };

  /// context must outlive the server, and must not run once the server is gone.
  ControlServer(boost::asio::io_context& context, std::unique_ptr<ControlSocket> socket,
                Options options, Handler handler);
  /// Ends all connections and removes the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// To all clients that monitor.
  void publish(const Json& event);

  [[nodiscard]] std::size_t clients() const noexcept { return sessions_.size(); }
  [[nodiscard]] const std::string& path() const noexcept { return socket_->path(); }

 private:
  friend class ControlSession;
  using Protocol = boost::asio::local::stream_protocol;

  void accept();
  void add(Protocol::socket socket);
  void remove(const std::shared_ptr<ControlSession>& session) { sessions_.erase(session); }

  boost::asio::io_context& context_;
  std::unique_ptr<ControlSocket> socket_;
  Options options_;
  Handler handler_;
  Protocol::acceptor acceptor_;
  boost::asio::steady_timer retry_;  // of accept()
  std::unordered_set<std::shared_ptr<ControlSession>> sessions_;
};

}  // namespace afxfw
