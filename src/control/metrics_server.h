#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace afxfw {

/// "127.0.0.1:9469" or "[::1]:9469": an address and a port, 0 for any free one.
/// Throws Error (kUsage) that says what is wrong.
[[nodiscard]] boost::asio::ip::tcp::endpoint parse_metrics_address(const std::string& text);

/// What the server gets its answers from; called on the loop's thread.
struct MetricsSource {
  std::function<std::string()> metrics;   ///< Prometheus's text format
  std::function<std::string()> sickness;  ///< "" while all is well, else a sentence
};

/// Serves /metrics and /healthz over HTTP/1.1, a request a connection. For one
/// thread: everything happens on the io_context that it is given, which must not
/// run any more when this is destroyed. A client that is slow, silent or sends
/// anything else than a small GET or HEAD is cut off; others don't notice.
class MetricsServer {
 public:
  static constexpr std::size_t kMaxClients = 16;         ///< at a time; more are turned away
  static constexpr std::size_t kMaxRequestBytes = 8192;  ///< as common servers have it
  /// For a request and its answer, all in all. Half of Prometheus's default.
  static constexpr std::chrono::seconds kTimeLimit{5};
  /// Answers are this old at most: many clients cost no more than a few.
  static constexpr std::chrono::milliseconds kMaxAge{100};

  /// Listens from here on. Throws Error that names the address.
  MetricsServer(boost::asio::io_context& context, const boost::asio::ip::tcp::endpoint& address,
                MetricsSource source);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  /// With the port that was really taken.
  [[nodiscard]] boost::asio::ip::tcp::endpoint address() const { return address_; }

 private:
  class Client;
  struct State;

  void accept();

  std::shared_ptr<State> state_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  boost::asio::ip::tcp::endpoint address_;
};

}  // namespace afxfw
