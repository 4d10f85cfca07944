#include "control/control_session.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <utility>

#include "util/json.h"

namespace afxfw {

using boost::system::error_code;
using protocol::ErrorCode;
using protocol::RequestError;

namespace {

/// What is read at a time.
constexpr std::size_t kReadBytes = std::size_t{16} << 10U;

}  // namespace

ControlSession::ControlSession(ControlServer& server, Socket socket, Peer peer)
    : server_(server),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      deadline_(server.context_) {}

void ControlSession::end_after(Duration time) {
  deadline_.expires_after(time);
  deadline_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->close();
  });
}

void ControlSession::close() {
  if (std::exchange(closed_, true)) return;
  deadline_.cancel();
  error_code ignored;
  socket_.close(ignored);
  server_.remove(shared_from_this());
}

void ControlSession::await_request() {
  // A client may send its next request while it waits for the answer to one.
  if (!input_.empty()) return read_request();
  end_after(server_.options_.limits.idle_time);
  read_more();
}

void ControlSession::read_request() {
  const std::size_t newline = input_.find('\n', searched_);
  if (newline == std::string::npos) {
    const auto& limits = server_.options_.limits;
    const std::size_t most = server_.options_.access.may_change(peer_) ? protocol::kMaxRequestBytes
                                                                       : limits.read_request_bytes;
    if (input_.size() > most) {
      return refuse({ErrorCode::kMalformed, fmt::format("a request has {} bytes at most", most)});
    }
    // Time for the whole of it, so that a byte now and then does not keep it open.
    if (searched_ == 0) end_after(limits.transfer_time);
    searched_ = input_.size();
    return read_more();
  }
  const std::string line = input_.substr(0, newline);
  input_.erase(0, newline + 1);
  searched_ = 0;
  deadline_.cancel();
  handle(line);
}

void ControlSession::read_more() {
  const std::size_t before = input_.size();
  input_.resize(before + kReadBytes);
  socket_.async_read_some(
      boost::asio::buffer(input_.data() + before, kReadBytes),
      [self = shared_from_this(), before](const error_code& error, std::size_t bytes) {
        self->input_.resize(before + bytes);
        if (self->closed_) return;
        if (error) return self->close();
        self->read_request();
      });
}

void ControlSession::handle(const std::string& line) {
  auto request = protocol::parse_request(line);
  if (!request) return answer(tl::unexpected(std::move(request.error())), {});
  if (protocol::is_restricted(request->command) && !server_.options_.access.may_change(peer_)) {
    return answer(
        tl::unexpected(RequestError{
            ErrorCode::kDenied,
            fmt::format("{} may read, and not {}: that takes root or the group of afxfw's option "
                        "--control-group",
                        describe(peer_),
                        request->command == protocol::Command::kCapture ? "capture packets"
                                                                        : "change anything")}),
        {});
  }
  server_.handler_(*request, peer_, ControlReply(weak_from_this()));
}

void ControlSession::answer(const protocol::Response& response, std::function<void()> after) {
  if (closed_) {
    if (after) after();
    return;
  }
  output_ = protocol::to_line(response);
  write([this, after = std::move(after)] {
    if (after) after();
    if (!closed_) await_request();
  });
}

void ControlSession::hand_over(const protocol::Response& response,
                               std::function<void(Fd connection)> then) {
  if (closed_) return then(Fd());
  output_ = protocol::to_line(response);
  write([this, then = std::move(then)] {
    if (std::exchange(closed_, true)) return then(Fd());
    deadline_.cancel();
    error_code error;
    Fd connection(socket_.release(error));
    server_.remove(shared_from_this());
    then(std::move(connection));
  });
}

void ControlSession::refuse(RequestError error) {
  output_ = protocol::to_line(tl::unexpected(std::move(error)));
  write([this] { close(); });
}

void ControlSession::write(std::function<void()> then) {
  writing_ = true;
  end_after(server_.options_.limits.transfer_time);
  boost::asio::async_write(
      socket_, boost::asio::buffer(output_),
      [self = shared_from_this(), then = std::move(then)](const error_code& error, std::size_t) {
        self->writing_ = false;
        if (error) {
          // What is to follow the answer follows also if nobody took it.
          if (!self->monitoring_) then();
          return self->close();
        }
        self->deadline_.cancel();
        then();
      });
}

void ControlSession::monitor() {
  if (closed_) return;
  monitoring_ = true;
  input_.clear();
  await_end();
  output_ = protocol::to_line(Json::object());
  write([this] { send_event(""); });
}

void ControlSession::await_end() {
  // A monitor has nothing more to say; this notices when it goes.
  input_.resize(1);
  socket_.async_read_some(boost::asio::buffer(input_),
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                            if (self->closed_) return;
                            if (error) return self->close();
                            self->await_end();
                          });
}

void ControlSession::send_event(const std::string& line) {
  if (closed_ || !monitoring_) return;
  if (events_.size() + line.size() > server_.options_.limits.event_bytes) {
    ++lost_events_;
    return;
  }
  events_ += line;
  if (writing_ || events_.empty()) return;
  output_ = std::exchange(events_, {});
  if (lost_events_ != 0) {
    output_ += protocol::event_line(
        {{"kind", "lost"}, {"text", fmt::format("{} events were lost here", lost_events_)}});
    lost_events_ = 0;
  }
  write([this] { send_event(""); });
}

}  // namespace afxfw
