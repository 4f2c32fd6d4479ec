// SPDX-License-Identifier: Apache-2.0
#include "stream.hpp"

#include "visor/core/error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <utility>

namespace visor::cli {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;

struct Address {
  std::string path;  // of a Unix socket, or empty
  std::string host;
  std::string port;
};

Address parse_address(const std::string& text) {
  if (text.starts_with("unix:") && text.size() > 5) return {text.substr(5), {}, {}};
  const auto colon = text.rfind(':');
  if (text.starts_with("tcp:") && colon > 4 && colon + 1 < text.size()) {
    auto host = text.substr(4, colon - 4);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    return {{}, std::move(host), text.substr(colon + 1)};
  }
  throw Error(Errc::invalid_config, "'" + text + "' is no address: expected unix:PATH or tcp:HOST:PORT");
}

void check(const boost::system::error_code& error, const std::string& what) {
  if (!error) return;
  if (error.category() == boost::system::system_category()) throw system_error(what, error.value());
  throw Error(Errc::io_error, what + ": " + error.message());
}

/// Runs what was begun to its end, the deadline or the cancellation.
void run(asio::io_context& io, const bool& done, const std::string& what, const CallContext& call) {
  const CancelCallback stop{call.cancel(), [&] { io.stop(); }};
  if (!call.cancel().cancelled()) io.run_until(call.deadline());
  if (!done) call.check(what);
}

template <class Socket>
UniqueFd released(Socket& socket) {
  socket.native_non_blocking(false);
  return UniqueFd{socket.release()};
}

Tcp::resolver::results_type resolve(asio::io_context& io, const Address& address, const std::string& what,
                                    const CallContext& call) {
  Tcp::resolver resolver{io};
  Tcp::resolver::results_type found;
  boost::system::error_code error;
  bool done = false;
  resolver.async_resolve(address.host, address.port, [&](const auto& problem, auto results) {
    error = problem;
    found = std::move(results);
    done = true;
  });
  run(io, done, what, call);
  check(error, what);
  io.restart();
  return found;
}

/// The path of a listener, gone with it.
class SocketFile {
 public:
  explicit SocketFile(std::string path) : path_{std::move(path)} {}
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;
  ~SocketFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

 private:
  std::string path_;
};

template <class Protocol>
UniqueFd accept_one(asio::io_context& io, typename Protocol::acceptor& acceptor, const std::string& what,
                    const CallContext& call) {
  typename Protocol::socket peer{io};
  boost::system::error_code error;
  bool done = false;
  acceptor.async_accept(peer, [&](const auto& problem) {
    error = problem;
    done = true;
  });
  run(io, done, what, call);
  check(error, what);
  return released(peer);
}

}  // namespace

UniqueFd connect_stream(const std::string& address, const CallContext& call) {
  const auto where = parse_address(address);
  const auto what = "Cannot connect to " + address;
  asio::io_context io;
  boost::system::error_code error;
  bool done = false;
  const auto ended = [&](const auto& problem, const auto&...) {
    error = problem;
    done = true;
  };
  if (!where.path.empty()) {
    Local::socket socket{io};
    socket.async_connect(Local::endpoint{where.path}, ended);
    run(io, done, what, call);
    check(error, what);
    return released(socket);
  }
  const auto found = resolve(io, where, what, call);
  Tcp::socket socket{io};
  asio::async_connect(socket, found, ended);
  run(io, done, what, call);
  check(error, what);
  return released(socket);
}

UniqueFd accept_stream(const std::string& address, const CallContext& call) {
  const auto where = parse_address(address);
  const auto what = "Cannot listen at " + address;
  asio::io_context io;
  try {
    if (!where.path.empty()) {
      Local::acceptor acceptor{io, Local::endpoint{where.path}};
      const SocketFile file{where.path};
      return accept_one<Local>(io, acceptor, what, call);
    }
    const auto found = resolve(io, where, what, call);
    Tcp::acceptor acceptor{io, found.begin()->endpoint()};
    return accept_one<Tcp>(io, acceptor, what, call);
  } catch (const boost::system::system_error& error) {
    throw system_error(what, error.code().value());
  }
}

}  // namespace visor::cli
