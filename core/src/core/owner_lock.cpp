// SPDX-License-Identifier: Apache-2.0
#include "visor/core/owner_lock.hpp"

#include "visor/core/error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace visor {
namespace {

using namespace std::chrono_literals;

UniqueFd open_lock(const std::filesystem::path& run_dir, int flags) {
  return UniqueFd{::open((run_dir / "lock").c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)};
}

/// An open-file-description lock on the whole file: like flock() it belongs to the descriptor, not to the process, and
/// unlike it, it can be asked for without being taken.
struct flock whole_file(short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

bool try_lock(int fd) {
  auto lock = whole_file(F_WRLCK);
  while (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return false;
    if (errno != EINTR) throw system_error("Cannot lock the VM", errno);
  }
  return true;
}

bool is_locked(int fd) {
  auto lock = whole_file(F_RDLCK);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/// "<pid> <operation>\n"; a writer that died half-way leaves text without the newline.
Owner read_owner(int fd) {
  std::array<char, 256> buffer{};
  const auto size = ::pread(fd, buffer.data(), buffer.size(), 0);
  Owner owner;
  const std::string_view text{buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  const auto end = text.find('\n');
  const auto blank = text.find(' ');
  if (end == std::string_view::npos || blank > end) return owner;
  std::from_chars(text.data(), text.data() + blank, owner.pid);
  owner.operation = text.substr(blank + 1, end - blank - 1);
  return owner;
}

void write_owner(int fd, std::string_view operation) {
  auto text = std::to_string(::getpid()) + ' ' + std::string{operation.substr(0, 64)} + '\n';
  std::replace(text.begin(), text.end() - 1, '\n', ' ');
  // Best effort: the lock itself does not depend on what is written.
  if (::ftruncate(fd, 0) == 0) (void)!::pwrite(fd, text.data(), text.size(), 0);
}

/// The lock has no deadline, so it is asked again every few milliseconds; a cancellation ends the pause at once.
class Pause {
 public:
  explicit Pause(const CancelToken& cancel)
      : callback_{cancel, [this] {
                    const std::scoped_lock lock{mutex_};
                    cancelled_ = true;
                    changed_.notify_all();
                  }} {}
  void until(Deadline deadline) {
    std::unique_lock lock{mutex_};
    changed_.wait_until(lock, std::min(deadline, std::chrono::steady_clock::now() + step_),
                        [this] { return cancelled_; });
    step_ = std::min(step_ * 2, 50ms);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;
  std::chrono::milliseconds step_ = 1ms;
  CancelCallback callback_;  // last: it may call at once
};

}  // namespace

OwnerLock::OwnerLock(UniqueFd fd) noexcept : fd_{std::move(fd)} {}
OwnerLock::OwnerLock(OwnerLock&&) noexcept = default;
OwnerLock& OwnerLock::operator=(OwnerLock&&) noexcept = default;
OwnerLock::~OwnerLock() = default;

OwnerLock OwnerLock::acquire(const std::filesystem::path& run_dir, std::string_view operation,
                             const CallContext& call) {
  auto fd = open_lock(run_dir, O_RDWR | O_CREAT);
  if (!fd) throw system_error("Cannot open the lock of the VM in " + run_dir.string(), errno);
  Pause pause{call.cancel()};
  while (!try_lock(fd.get())) {
    if (call.cancel().cancelled()) throw Error(Errc::cancelled, "Cancelled while waiting for the owner lock");
    if (call.expired()) {
      const auto owner = read_owner(fd.get());
      throw Error(Errc::busy, "The VM is owned by process " + std::to_string(owner.pid) + " (" +
                                  (owner.operation.empty() ? "unknown operation" : owner.operation) +
                                  "); only stop works beside its owner");
    }
    pause.until(call.deadline());
  }
  write_owner(fd.get(), operation);
  return OwnerLock{std::move(fd)};
}

std::optional<Owner> OwnerLock::holder(const std::filesystem::path& run_dir) {
  const auto fd = open_lock(run_dir, O_RDONLY);
  if (!fd || !is_locked(fd.get())) return std::nullopt;
  return read_owner(fd.get());
}

}  // namespace visor
