// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include "capture.hpp"
#include "unix_socket.hpp"

#include <fcntl.h>

#include <algorithm>

namespace visor::keeper {
namespace {

constexpr Milliseconds longest_retry{1000};
constexpr int max_final_reads = 256;

}  // namespace

Link::Link(Loop& loop) : loop_{loop}, retry_{loop, [this] { try_connect(); }} {}

void Link::connect_to(const std::string& path) {
  path_ = path;
  try_connect();
}

void Link::take(UniqueFd stream) {
  ::fcntl(stream.get(), F_SETFL, O_NONBLOCK);
  adopt_stream(std::move(stream));
}

void Link::adopt_stream(UniqueFd stream) {
  stream_ = std::move(stream);
  watch_.emplace(loop_, stream_.get(), EPOLLIN, *this);
  on_connected();
}

void Link::try_connect() {
  auto result = sdk::wire::connect_unix(path_, SOCK_STREAM);
  if (result.error == 0) return adopt_stream(std::move(result.fd));
  retry_.arm(retry_delay_);
  retry_delay_ = std::min(retry_delay_ * 2, longest_retry);
}

void Link::broken() {
  watch_.reset();
  stream_.reset();
  on_broken();
  if (!path_.empty()) retry_.arm(retry_delay_);
}

bool Link::read_once() {
  if (!stream_) return false;
  bool end = false;
  const auto bytes = read_some(stream_.get(), end);
  if (!bytes.empty()) {
    retry_delay_ = Milliseconds{10};
    on_bytes(bytes);
  }
  if (end) broken();
  return !bytes.empty();
}

void Link::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) on_writable();
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) read_once();
}

void Link::finish() {
  path_.clear();
  for (int i = 0; i < max_final_reads && read_once(); ++i) {
  }
  retry_.cancel();
  if (stream_) broken();
}

void Link::want_write(bool wanted) {
  if (watch_) watch_->want(wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

std::size_t Link::send(std::string_view bytes) {
  if (!stream_ || bytes.empty()) return 0;
  const auto sent = ::send(stream_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

}  // namespace visor::keeper
