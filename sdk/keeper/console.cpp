// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include "failure.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace visor::keeper {
namespace {

constexpr std::size_t max_clients = 32;
constexpr std::size_t max_input = 64 * 1024;
constexpr std::size_t client_read = 4096;

bool has_stream_end(const sdk::ProcessSpec& spec) {
  return std::any_of(spec.fds.begin(), spec.fds.end(),
                     [](const auto& fd) { return fd.source == sdk::FdSource::console; });
}

}  // namespace

/// One reader and writer of the console. It holds a place in the ring, no bytes.
class Console::Client final : public Handler {
 public:
  Client(Console& console, UniqueFd socket)
      : console_{console},
        socket_{std::move(socket)},
        at_{console.recording_->ring().begin()},
        watch_{std::in_place, console.loop_, socket_.get(), EPOLLIN, *this} {}

  void on_ready(std::uint32_t events) override {
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) deaf_ = true;
    if ((events & EPOLLIN) != 0) read();
    pump();
  }

  void pump() {
    if (left()) return;
    const auto& ring = console_.recording_->ring();
    skip_if_late(ring);
    while (!flushed()) {
      const auto part = mark_.empty() ? ring.piece(at_) : std::string_view(mark_);
      const auto sent = ::send(socket_.get(), part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) deaf_ = true;
      if (sent <= 0) break;
      if (mark_.empty()) {
        at_ += static_cast<std::uint64_t>(sent);
      } else {
        mark_.erase(0, static_cast<std::size_t>(sent));
      }
    }
    update();
  }

  void update() {
    if (left()) return;
    if (deaf_ && (read_end_ || console_.finished_)) return leave();
    const bool read = !read_end_ && console_.input_room() > 0;
    if (deaf_ && !read) return watch_.reset();  // a hang-up cannot be masked: out of the loop until there is room
    if (!watch_) watch_.emplace(console_.loop_, socket_.get(), EPOLLIN, *this);
    watch_->want((read ? EPOLLIN : 0U) | (flushed() ? 0U : EPOLLOUT));
  }

  void leave() {
    watch_.reset();
    socket_.reset();
  }

  [[nodiscard]] bool flushed() const { return deaf_ || (mark_.empty() && at_ == console_.recording_->ring().end()); }
  [[nodiscard]] bool left() const noexcept { return !socket_; }
  /// Whether it takes nothing more, and what it wrote waits for room.
  [[nodiscard]] bool waiting() const noexcept { return socket_ && !watch_; }

 private:
  void skip_if_late(const ByteRing& ring) {
    if (at_ >= ring.begin()) return;
    const auto to = ring.end() - ring.capacity() / 2;
    mark_ = "\r\n[visor: " + std::to_string(to - at_) + " bytes skipped]\r\n";
    at_ = to;
  }

  void read() {
    const auto most = std::min(console_.input_room(), client_read);
    if (most == 0) return;
    std::array<char, client_read> buffer;
    const auto got = ::recv(socket_.get(), buffer.data(), most, MSG_DONTWAIT);
    if (got > 0) console_.input({buffer.data(), static_cast<std::size_t>(got)});
    if (got == 0) read_end_ = true;  // it may still read; a full close shows as EPOLLHUP
    if (got < 0 && errno != EAGAIN && errno != EINTR) leave();
  }

  Console& console_;
  UniqueFd socket_;
  std::uint64_t at_;
  std::string mark_;
  bool read_end_ = false;
  bool deaf_ = false;  // it takes no more output; what it wrote before it left still goes to the guest
  std::optional<Watch> watch_;
};

Console::Console(Loop& loop) : Link{loop}, loop_{loop} {}

Console::~Console() = default;

void Console::open(const sdk::KeeperSpec& spec, const std::string& socket_path) {
  const auto& console = spec.watch.console;
  const bool stream = has_stream_end(spec.main);
  if (console.connect_path.empty() && !stream) return;
  recording_.emplace(console.capture);
  door_.emplace(loop_, socket_path, SOCK_STREAM, [this](UniqueFd socket) { add_client(std::move(socket)); });
  if (!stream) return connect_to(console.connect_path);
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw Failure{"console", errno, {}, {}};
  process_end_.reset(ends[1]);
  take(UniqueFd(ends[0]));
}

void Console::add_client(UniqueFd socket) {
  if (clients_.size() >= max_clients) {
    // Those that left cannot keep others out, however long the guest reads nothing.
    const auto oldest =
        std::find_if(clients_.begin(), clients_.end(), [](const auto& client) { return client->waiting(); });
    if (oldest == clients_.end()) return;
    clients_.erase(oldest);
  }
  clients_.push_back(std::make_unique<Client>(*this, std::move(socket)));
  clients_.back()->pump();
}

void Console::on_bytes(std::string_view bytes) {
  recording_->append(bytes);
  for (auto& client : clients_) client->pump();
}

std::size_t Console::input_room() const noexcept { return finished_ ? 0 : max_input - to_guest_.size(); }

void Console::input(std::string_view bytes) {
  to_guest_ += bytes;
  flush_input();
}

void Console::flush_input() {
  to_guest_.erase(0, send(to_guest_));
  want_write(!to_guest_.empty());
  for (auto& client : clients_) client->update();
}

void Console::on_broken() {
  to_guest_.clear();  // half a line must not reach another session of the guest
  for (auto& client : clients_) client->waiting() ? client->leave() : client->update();
}

void Console::finish_guest() {
  finish();
  finished_ = true;
  door_.reset();
  for (auto& client : clients_) client->pump();
}

bool Console::flushed() const {
  return std::all_of(clients_.begin(), clients_.end(),
                     [](const auto& client) { return client->left() || client->flushed(); });
}

void Console::sweep() {
  std::erase_if(clients_, [](const auto& client) { return client->left(); });
}

}  // namespace visor::keeper
