// SPDX-License-Identifier: Apache-2.0
#include "capture.hpp"

#include "failure.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace visor::keeper {
namespace {

constexpr int max_final_reads = 256;  // a stranger that keeps writing must not hold up the end

}  // namespace

ByteRing::ByteRing(std::size_t capacity)
    : capacity_{capacity}, bytes_{std::make_unique_for_overwrite<char[]>(capacity)} {}

void ByteRing::append(std::string_view bytes) {
  if (bytes.size() > capacity_) {
    end_ += bytes.size() - capacity_;
    bytes.remove_prefix(bytes.size() - capacity_);
  }
  while (!bytes.empty()) {
    const auto at = static_cast<std::size_t>(end_ % capacity_);
    const auto size = std::min(bytes.size(), capacity_ - at);
    std::memcpy(bytes_.get() + at, bytes.data(), size);
    end_ += size;
    bytes.remove_prefix(size);
  }
}

std::string_view ByteRing::piece(std::uint64_t offset) const noexcept {
  const auto at = static_cast<std::size_t>(offset % capacity_);
  return {bytes_.get() + at, std::min(static_cast<std::size_t>(end_ - offset), capacity_ - at)};
}

std::string ByteRing::tail(std::size_t most) const {
  std::string text;
  auto at = std::max(begin(), end_ < most ? 0 : end_ - most);
  while (at < end_) {
    const auto part = piece(at);
    text += part;
    at += part.size();
  }
  return text;
}

LogFile::LogFile(const sdk::OutputCapture& capture) : path_{capture.log_path}, half_{capture.log_bytes / 2} {
  if (path_.empty()) return;
  if (!open(O_APPEND)) throw Failure{"log", errno, path_, {}};
  struct stat facts{};
  if (::fstat(file_.get(), &facts) == 0) size_ = static_cast<std::uint64_t>(facts.st_size);
}

bool LogFile::open(int flags) {
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | flags, 0600));
  return static_cast<bool>(file_);
}

void LogFile::write(std::string_view bytes) {
  while (file_ && !bytes.empty()) {
    if (size_ >= half_) {
      ::rename(path_.c_str(), (path_ + ".1").c_str());
      if (!open(O_TRUNC)) return;
      size_ = 0;
    }
    const auto part = bytes.substr(0, static_cast<std::size_t>(half_ - size_));
    const auto done = ::write(file_.get(), part.data(), part.size());
    if (done <= 0) return;
    size_ += static_cast<std::uint64_t>(done);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
}

void Recording::append(std::string_view bytes) {
  ring_.append(bytes);
  log_.write(bytes);
}

PipeReader::PipeReader(Loop& loop, const sdk::OutputCapture& capture) : loop_{loop}, recording_{capture} {}

UniqueFd PipeReader::open() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Failure{"stderr", errno, {}, {}};
  pipe_.reset(ends[0]);
  ::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
  watch_.emplace(loop_, pipe_.get(), EPOLLIN, *this);
  return UniqueFd(ends[1]);
}

bool PipeReader::read_once() {
  if (!pipe_) return false;
  bool end = false;
  const auto bytes = read_some(pipe_.get(), end);
  recording_.append(bytes);
  if (end) {
    watch_.reset();
    pipe_.reset();
  }
  return !bytes.empty();
}

void PipeReader::on_ready(std::uint32_t) { read_once(); }

void PipeReader::drain() {
  for (int i = 0; i < max_final_reads && read_once(); ++i) {
  }
}

std::string_view read_some(int fd, bool& end) {
  static std::array<char, 16 * 1024> buffer;
  const auto got = ::read(fd, buffer.data(), buffer.size());
  end = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
  return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

}  // namespace visor::keeper
