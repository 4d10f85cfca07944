#include "control/metrics_server.h"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "util/error.h"

namespace afxfw {
namespace {

using boost::asio::ip::tcp;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

/// A server on a free port of the loopback, with a thread of its own.
class MetricsServerTest : public testing::Test {
 protected:
  MetricsServerTest() : thread_([this] { context_.run(); }) {}
  void TearDown() override {
    context_.stop();
    thread_.join();
  }

  std::unique_ptr<tcp::socket> connect() {
    auto socket = std::make_unique<tcp::socket>(client_context_);
    socket->connect(server_.address());
    return socket;
  }

  /// What the server sends until it closes.
  static std::string read_all(tcp::socket& socket) {
    std::string answer;
    boost::system::error_code error;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
    return answer;
  }

  static void send(tcp::socket& socket, const std::string& text) {
    boost::system::error_code error;
    boost::asio::write(socket, boost::asio::buffer(text), error);
  }

  std::string ask(const std::string& request) {
    const auto socket = connect();
    send(*socket, request);
    return read_all(*socket);
  }

  std::string get(const std::string& path) {
    return ask("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }

  std::atomic<bool> sick_ = false;
  std::atomic<int> rendered_ = 0;

 private:
  boost::asio::io_context context_;
  boost::asio::io_context client_context_;
  MetricsServer server_{context_,
                        parse_metrics_address("127.0.0.1:0"),
                        {[this] { return "afxfw_test " + std::to_string(++rendered_) + "\n"; },
                         [this] { return sick_ ? "the worker of queue 3 hangs" : ""; }}};
  std::thread thread_;
};

TEST_F(MetricsServerTest, ServesMetrics) {
  EXPECT_THAT(get("/metrics"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                    HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
                    HasSubstr("Content-Length: 13\r\n"), EndsWith("\r\n\r\nafxfw_test 1\n")));
}

TEST_F(MetricsServerTest, ManyRequestsCostAFewRenderings) {
  for (int i = 0; i < 50; ++i) {
    const auto start = steady_clock::now();
    (void)get("/metrics");
    if (steady_clock::now() - start > MetricsServer::kMaxAge) GTEST_SKIP() << "too slow a machine";
  }
  EXPECT_LT(rendered_, 25);
}

TEST_F(MetricsServerTest, HealthIsOkUntilItIsNot) {
  EXPECT_THAT(get("/healthz"), AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\nok\n")));
}

TEST_F(MetricsServerTest, SicknessIs503WithTheReason) {
  sick_ = true;
  EXPECT_THAT(get("/healthz"),
              AllOf(StartsWith("HTTP/1.1 503 "), EndsWith("\r\nthe worker of queue 3 hangs\n")));
}

TEST_F(MetricsServerTest, HeadHasTheLengthButNoBody) {
  EXPECT_THAT(
      ask("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Content-Length: 3\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(MetricsServerTest, QueryStringsAreIgnored) {
  EXPECT_THAT(get("/healthz?verbose=1"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(MetricsServerTest, OtherPathsAndMethodsAreRefused) {
  EXPECT_THAT(get("/nowhere"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n")));
}

TEST_F(MetricsServerTest, WhatIsNoRequestIsRefused) {
  EXPECT_THAT(ask("SSH-2.0-OpenSSH_9.2\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(MetricsServerTest, TooLargeARequestIsRefused) {
  const std::string header = "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n";
  EXPECT_THAT(ask(header), StartsWith("HTTP/1.1 413 "));
}

TEST_F(MetricsServerTest, ASilentClientIsCutOffAndDisturbsNobody) {
  const auto silent = connect();
  const auto slow = connect();
  send(*slow, "GET /metr");
  const auto start = steady_clock::now();
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(read_all(*silent), "");
  EXPECT_EQ(read_all(*slow), "");
  EXPECT_LT(steady_clock::now() - start, 2 * MetricsServer::kTimeLimit);
}

TEST_F(MetricsServerTest, TooManyClientsAreTurnedAwayAndLaterOnesServedAgain) {
  std::vector<std::unique_ptr<tcp::socket>> silent;
  for (std::size_t i = 0; i < MetricsServer::kMaxClients; ++i) silent.push_back(connect());
  EXPECT_THAT(read_all(*connect()), StartsWith("HTTP/1.1 503 "));
  silent.clear();
  const auto deadline = steady_clock::now() + std::chrono::seconds(5);
  std::string answer;
  do {
    answer = get("/healthz");
  } while (!answer.starts_with("HTTP/1.1 200 ") && steady_clock::now() < deadline);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
}

TEST(MetricsAddress, TakesNumericAddressesAndAPort) {
  EXPECT_EQ(parse_metrics_address("127.0.0.1:9469").port(), 9469);
  EXPECT_EQ(parse_metrics_address("[::1]:9469").address().to_string(), "::1");
  EXPECT_EQ(parse_metrics_address("0.0.0.0:0").port(), 0);
}

class BadMetricsAddress : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(MetricsAddress, BadMetricsAddress,
                         testing::Values("", "9469", ":9469", "127.0.0.1",
                                         "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                                         "127.0.0.1:9469 ", "localhost:9469", "::1:9469",
                                         "[127.0.0.1]:9469", "[::1:9469", "[::1]9469"));

TEST_P(BadMetricsAddress, IsAUsageErrorThatQuotesIt) {
  try {
    (void)parse_metrics_address(GetParam());
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_THAT(error.what(), HasSubstr(std::string("--metrics is '") + GetParam() + "'"));
  }
}

TEST(MetricsAddress, TakenIsAnErrorThatNamesIt) {
  boost::asio::io_context context;
  const MetricsServer first(context, parse_metrics_address("127.0.0.1:0"), {});
  const std::string taken = "127.0.0.1:" + std::to_string(first.address().port());
  try {
    const MetricsServer second(context, parse_metrics_address(taken), {});
    FAIL() << "two servers on " << taken;
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), "cannot serve metrics on " + taken +
                                ": Address already in use; choose another --metrics ADDRESS:PORT");
  }
}

}  // namespace
}  // namespace afxfw
