// SPDX-License-Identifier: Apache-2.0
#include "visor/core/call.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace visor {

struct CancelToken::State {
  struct Entry {
    std::uint64_t id;
    std::function<void()> function;
  };
  std::mutex mutex;
  std::condition_variable idle;
  std::vector<Entry> entries;
  std::uint64_t next_id = 1;
  std::uint64_t running_id = 0;
  std::thread::id running_thread;
  bool cancelled = false;

  void run_all();
};

void CancelToken::State::run_all() {
  std::unique_lock lock{mutex};
  // One thread runs them all: with two, the destructor of a callback could miss that it is running.
  if (std::exchange(cancelled, true)) return;
  while (!entries.empty()) {
    auto entry = std::move(entries.back());
    entries.pop_back();
    running_id = entry.id;
    running_thread = std::this_thread::get_id();
    lock.unlock();
    entry.function();
    lock.lock();
    running_id = 0;
    idle.notify_all();
  }
}

CancelToken::CancelToken() noexcept = default;
CancelToken::CancelToken(const CancelToken&) noexcept = default;
CancelToken& CancelToken::operator=(const CancelToken&) noexcept = default;
CancelToken::~CancelToken() = default;
CancelToken::CancelToken(std::shared_ptr<State> state) noexcept : state_{std::move(state)} {}

bool CancelToken::cancelled() const noexcept {
  if (!state_) return false;
  const std::scoped_lock lock{state_->mutex};
  return state_->cancelled;
}

CancelSource::CancelSource() : state_{std::make_shared<CancelToken::State>()} {}
CancelSource::~CancelSource() = default;
CancelToken CancelSource::token() const noexcept { return CancelToken{state_}; }
void CancelSource::cancel() noexcept { state_->run_all(); }

CancelCallback::CancelCallback(const CancelToken& token, std::function<void()> function) : state_{token.state_} {
  if (!state_) return;
  {
    const std::scoped_lock lock{state_->mutex};
    if (!state_->cancelled) {
      id_ = state_->next_id++;
      state_->entries.push_back({id_, std::move(function)});
      return;
    }
  }
  function();
}

CancelCallback::~CancelCallback() {
  if (id_ == 0) return;
  std::unique_lock lock{state_->mutex};
  std::erase_if(state_->entries, [this](const auto& entry) { return entry.id == id_; });
  if (state_->running_id != id_ || state_->running_thread == std::this_thread::get_id()) return;
  state_->idle.wait(lock, [this] { return state_->running_id != id_; });
}

ProgressSink::~ProgressSink() = default;

CallContext::CallContext(std::chrono::milliseconds limit) {
  const auto now = std::chrono::steady_clock::now();
  const auto most = std::chrono::floor<std::chrono::milliseconds>(Deadline::max() - now);
  deadline_ = limit < most ? now + limit : Deadline::max();  // milliseconds::max() means for ever
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): copies of a token share one state
CallContext::CallContext(Deadline deadline, CancelToken cancel, ProgressSink* progress) noexcept
    : deadline_{deadline}, cancel_{cancel}, progress_{progress} {}

std::chrono::milliseconds CallContext::remaining() const noexcept {
  const auto left = deadline_ - std::chrono::steady_clock::now();
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds{0});
}

bool CallContext::expired() const noexcept { return std::chrono::steady_clock::now() >= deadline_; }

void CallContext::check(std::string_view what) const {
  if (cancel_.cancelled()) throw Error(Errc::cancelled, "Cancelled while waiting for " + std::string{what});
  if (expired()) throw Error(Errc::timeout, "Timed out while waiting for " + std::string{what});
}

CallContext CallContext::at_most(std::chrono::milliseconds limit) const {
  auto copy = *this;
  copy.deadline_ = std::min(deadline_, std::chrono::steady_clock::now() + limit);
  return copy;
}

void CallContext::report(std::string_view stage, std::uint64_t done, std::uint64_t total) const noexcept {
  if (progress_ != nullptr) progress_->progress(stage, done, total);
}

}  // namespace visor
