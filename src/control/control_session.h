#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "control/control_server.h"

namespace afxfw {

/// One client of a ControlServer: a request, its answer, the next request. Each step
/// has its time, after which the connection ends.
class ControlSession : public std::enable_shared_from_this<ControlSession> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;

  ControlSession(ControlServer& server, Socket socket, Peer peer);

  /// Waits for a first request.
  void start() { await_request(); }
  /// Answers with what is wrong, and ends.
  void refuse(protocol::RequestError error);
  void close();

  void answer(const protocol::Response& response, std::function<void()> after);
  void monitor();
  void hand_over(const protocol::Response& response, std::function<void(Fd connection)> then);
  /// line: of an event.
  void send_event(const std::string& line);

 private:
  using Duration = std::chrono::milliseconds;

  void await_request();
  void read_request();
  void read_more();
  void handle(const std::string& line);
  void write(std::function<void()> then);
  void await_end();
  void end_after(Duration time);

  ControlServer& server_;
  Socket socket_;
  Peer peer_;
  boost::asio::steady_timer deadline_;
  std::string input_;
  std::size_t searched_ = 0;  // of input_: has no newline
  std::string output_;
  std::string events_;  // to be sent when output_ has been
  std::uint64_t lost_events_ = 0;
  bool monitoring_ = false;
  bool writing_ = false;
  bool closed_ = false;
};

}  // namespace afxfw
