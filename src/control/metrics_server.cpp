#include "control/metrics_server.h"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "control/metrics_text.h"
#include "util/error.h"
#include "util/log.h"

namespace afxfw {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

/// After a failure to accept, such as for want of descriptors, which would come
/// again at once.
constexpr std::chrono::seconds kAcceptPause{1};

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

constexpr const char* kIndex =
    "afxfw\n"
    "/metrics  statistics in Prometheus's text format\n"
    "/healthz  200 while packets are being filtered, else 503\n";

std::string to_text(const tcp::endpoint& address) {
  const std::string ip = address.address().to_string();
  return address.address().is_v6() ? fmt::format("[{}]:{}", ip, address.port())
                                   : fmt::format("{}:{}", ip, address.port());
}

/// The error's own text, in the words of errno.
std::string reason(const boost::system::error_code& error) {
  return std::generic_category().message(error.value());
}

/// What came is no request, as opposed to a connection that ended or a time limit.
bool is_malformed(const boost::system::error_code& error) {
  static const auto& category = http::make_error_code(http::error::bad_method).category();
  return error && error.category() == category && error != http::error::end_of_stream &&
         error != http::error::partial_message;
}

[[noreturn]] void refuse_address(const std::string& text, const char* why) {
  throw Error(fmt::format("--metrics is '{}', but must be an address and a port, such as "
                          "127.0.0.1:9469 or [::1]:9469: {}",
                          text, why),
              ExitCode::kUsage);
}

}  // namespace

tcp::endpoint parse_metrics_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) refuse_address(text, "no port");
  std::string address = text.substr(0, colon);
  const bool bracketed = address.size() >= 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);

  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (parsed.ec != std::errc{} || parsed.ptr != end)
    refuse_address(text, "no port from 0 to 65535");
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address, error);
  if (error) refuse_address(text, "not a numeric address");
  if (ip.is_v6() != bracketed)
    refuse_address(text, "[ ] go around an IPv6 address, and only there");
  return {ip, port};
}

/// What the clients share with the server, which they may outlive.
struct MetricsServer::State {
  MetricsSource source;
  std::size_t clients = 0;
  std::string metrics;  // as of rendered_at
  std::optional<std::chrono::steady_clock::time_point> rendered_at;

  const std::string& current_metrics() {
    const auto now = std::chrono::steady_clock::now();
    if (!rendered_at || now - *rendered_at >= kMaxAge) {
      metrics = source.metrics();
      rendered_at = now;
    }
    return metrics;
  }
};

/// One connection: a request, its answer, the end. Keeps itself alive by what
/// waits for it.
class MetricsServer::Client : public std::enable_shared_from_this<Client> {
 public:
  Client(tcp::socket socket, std::shared_ptr<State> state)
      : stream_(std::move(socket)), state_(std::move(state)) {
    ++state_->clients;
    parser_.header_limit(kMaxRequestBytes);
    parser_.body_limit(kMaxRequestBytes);
  }
  ~Client() { --state_->clients; }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void start() {
    stream_.expires_after(kTimeLimit);
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](const boost::system::error_code& error,
                                                 std::size_t) { self->answer(error); });
  }

  /// Without a look at the request.
  void turn_away() {
    fill(http::status::service_unavailable, "too many clients at a time\n");
    stream_.expires_after(kTimeLimit);
    send();
  }

 private:
  void answer(const boost::system::error_code& error) {
    if (error == http::error::header_limit || error == http::error::body_limit) {
      fill(http::status::payload_too_large, "the request is too large\n");
    } else if (is_malformed(error)) {
      fill(http::status::bad_request, "not an HTTP request\n");
    } else if (error) {
      return;  // gone, or too slow
    } else {
      choose_answer();
    }
    send();
  }

  void choose_answer() {
    const auto& request = parser_.get();
    response_.version(request.version());
    const auto target = request.target().substr(0, request.target().find('?'));
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      response_.set(http::field::allow, "GET, HEAD");
      fill(http::status::method_not_allowed, "only GET and HEAD\n");
    } else if (target == "/metrics") {
      fill(http::status::ok, state_->current_metrics(), kMetricsContentType);
    } else if (target == "/healthz") {
      const std::string sickness = state_->source.sickness();
      fill(sickness.empty() ? http::status::ok : http::status::service_unavailable,
           sickness.empty() ? "ok\n" : sickness + '\n');
    } else if (target == "/") {
      fill(http::status::ok, kIndex);
    } else {
      fill(http::status::not_found, "not here; see /\n");
    }
  }

  void fill(http::status status, std::string body, std::string_view type = kPlainText) {
    response_.result(status);
    response_.set(http::field::server, "afxfw");
    response_.set(http::field::content_type, {type.data(), type.size()});
    response_.keep_alive(false);
    response_.content_length(body.size());
    // HEAD: the length of what GET would give, and nothing of it.
    if (parser_.get().method() != http::verb::head) response_.body() = std::move(body);
  }

  void send() {
    http::async_write(stream_, response_,
                      [self = shared_from_this()](const boost::system::error_code&, std::size_t) {
                        boost::system::error_code ignored;
                        self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
                      });
  }

  beast::tcp_stream stream_;
  std::shared_ptr<State> state_;
  beast::flat_buffer buffer_{2 * kMaxRequestBytes};
  http::request_parser<http::string_body> parser_;
  http::response<http::string_body> response_;
};

MetricsServer::MetricsServer(asio::io_context& context, const tcp::endpoint& address,
                             MetricsSource source)
    : state_(std::make_shared<State>()), acceptor_(context), pause_(context) {
  state_->source = std::move(source);
  try {
    acceptor_.open(address.protocol());
    // So that a restart need not wait for the connections of the last run to be forgotten.
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(address);
    acceptor_.listen();
    address_ = acceptor_.local_endpoint();
  } catch (const boost::system::system_error& error) {
    throw Error(fmt::format("cannot serve metrics on {}: {}; choose another --metrics ADDRESS:PORT",
                            to_text(address), reason(error.code())));
  }
  log_info("metrics: http://{}/metrics", to_text(address_));
  accept();
}

MetricsServer::~MetricsServer() = default;

void MetricsServer::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      pause_.expires_after(kAcceptPause);
      pause_.async_wait([this](const boost::system::error_code& stopped) {
        if (!stopped) accept();
      });
      return;
    }
    // Those that are turned away count too, so that they are bounded as well.
    if (state_->clients < 2 * kMaxClients) {
      const bool welcome = state_->clients < kMaxClients;
      const auto client = std::make_shared<Client>(std::move(socket), state_);
      welcome ? client->start() : client->turn_away();
    }
    accept();
  });
}

}  // namespace afxfw
