// SPDX-License-Identifier: Apache-2.0
// How a connection sends: whichever thread has something to send writes it, unless another is writing already; that one
// then takes it along, up to a limit: neither a caller nor the other sessions of the I/O thread wait while it goes on.
#include "connection.hpp"
#include "socket.hpp"
#include "visor/core/error.hpp"

#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

namespace visor::sdk::qmp {
namespace {

/// The kernel lacks memory: it may have some soon.
bool is_passing(int error) { return error == ENOBUFS || error == ENOMEM; }

/// sendmsg() does not take this descriptor, and took nothing of its command: ETOOMANYREFS, too many descriptors are on
/// their way (unix(7)); EINVAL, one that may not be passed, as io_uring's since Linux 6.7.
bool is_of_descriptor(int error) { return error == ETOOMANYREFS || error == EINVAL; }

}  // namespace

void Client::Connection::flush() {
  constexpr int max_writes = 8;  // of Outbox::max_batch_bytes at most; the I/O thread then goes on in its turn
  if (options_.io->on_this_thread() && corked_) return;  // corked_ is that thread's
  std::unique_lock lock{mutex_};
  if (writing_ || blocked_) return;
  writing_ = true;
  int failure = 0;
  int writes = 0;
  for (; writes < max_writes && failure == 0 && !session_.ended(); ++writes) {
    const auto batch = session_.begin_write();
    if (batch.count == 0) break;
    const int fd = socket_.get();
    lock.unlock();
    const auto result = send_batch(fd, batch);
    lock.lock();
    session_.end_write(result.bytes);
    failure = result.error;
    if (batch.fd >= 0 && is_of_descriptor(failure)) {
      fail_descriptor(lock, batch.fd_line, std::exchange(failure, 0));
    }
  }
  writing_ = false;
  if (writes == max_writes && failure == 0 && !session_.ended()) {
    lock.unlock();
    return flush_later();
  }
  ended_writing(lock, failure);
}

void Client::Connection::fail_descriptor(std::unique_lock<std::mutex>& lock, CallId id, int failure) {
  const auto error = system_error("its descriptor cannot be passed", failure);
  const auto code = failure == ETOOMANYREFS ? Errc::exhausted : error.code();
  auto finished = session_.refuse(id, code, error.message());
  lock.unlock();
  finish_early(std::move(finished));
  lock.lock();
}

void Client::Connection::flush_later() {
  options_.io->post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->flush();
  });
}

QmpError Client::Connection::broken(std::string_view doing, int error) const {
  return {Errc::disconnected,
          "the QMP connection to " + options_.peer + " broke: " + system_error(doing, error).message()};
}

void Client::Connection::ended_writing(std::unique_lock<std::mutex>& lock, int failure) {
  if (session_.ended()) return close_socket_if_idle();
  if (failure == 0) return;
  blocked_ = true;
  if (is_passing(failure)) {
    retry_at_ = std::chrono::steady_clock::now() + std::chrono::milliseconds{10};
    return arm_timer();
  }
  const auto weak = weak_from_this();
  if (failure == EAGAIN) {
    watch_.when_writable([weak] {
      const auto self = weak.lock();
      if (!self) return;
      {
        const std::scoped_lock again{self->mutex_};
        self->blocked_ = false;
      }
      self->flush();
    });
    return;
  }
  lock.unlock();
  // What the peer said before it went is still to be read: its reason may be in it.
  options_.io->post([weak, failure] {
    const auto self = weak.lock();
    if (!self) return;
    self->on_readable();
    self->end(self->broken("sending", failure));
  });
}

void Client::Connection::close_socket_if_idle() noexcept {
  if (writing_) return;  // the writer does it
  session_.drop_output();
  socket_.reset();
}

}  // namespace visor::sdk::qmp
