// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/client.hpp"
#include "visor/testing/fake_qmp_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace visor::sdk::qmp {

using namespace std::chrono_literals;
using testing::FakeQmpServer;
using testing::QmpScript;

/// Long enough for anything that must happen; a test that needs it all has failed.
inline constexpr auto plenty = 20s;
/// A deadline that is meant to pass.
inline constexpr auto brief = 30ms;

/// The error that a function throws; nothing when it throws none.
template <class F>
std::optional<Error> error_of(F&& function) {
  try {
    std::forward<F>(function)();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

template <class F>
std::optional<Errc> code_of(F&& function) {
  const auto error = error_of(std::forward<F>(function));
  return error ? std::optional{error->code()} : std::nullopt;
}

/// A script that has greeted and negotiated.
inline QmpScript ready_script() { return std::move(QmpScript{}.greet().negotiate()); }

/// A client of a fake.
inline std::unique_ptr<Client> connect(FakeQmpServer& server, ClientOptions options = {}) {
  return Client::connect(server.take_client(), std::move(options), plenty);
}

/// An outcome that a completion delivers.
class Promised {
 public:
  Completion completion() {
    return [state = state_](Outcome outcome) {
      ++state->count;
      if (state->count == 1) state->promise.set_value(std::move(outcome));
    };
  }
  Outcome get() {
    if (future_.wait_for(plenty) != std::future_status::ready) throw Error(Errc::timeout, "The completion never ran");
    return future_.get();
  }
  [[nodiscard]] int count() const { return state_->count; }

 private:
  struct State {
    std::promise<Outcome> promise;
    std::atomic<int> count{0};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::future<Outcome> future_ = state_->promise.get_future();
};

/// Holds another thread still while this one forks. A thread at work may hold a lock of the allocator, which the child
/// then waits for without end: AddressSanitizer's, in GCC 12, does not see to its locks at fork().
class Parking {
 public:
  /// On the thread that is to be held.
  void park() {
    const auto leave = leave_.get_future();
    parked_.set_value();
    (void)leave.wait_for(plenty);
  }
  /// Returns when the other thread is held.
  [[nodiscard]] bool wait_parked() { return parked_.get_future().wait_for(plenty) == std::future_status::ready; }
  void release() { leave_.set_value(); }

 private:
  std::promise<void> parked_;
  std::promise<void> leave_;
};

inline Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

}  // namespace visor::sdk::qmp
