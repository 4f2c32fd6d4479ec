// SPDX-License-Identifier: Apache-2.0
#include "probe.hpp"

#include <chrono>
#include <cstdint>
#include <utility>

namespace visor::sdk {

/// All of it is the I/O thread's. Answers may come when the probe is gone: they hold no more than a weak pointer.
struct Probe::State : std::enable_shared_from_this<Probe::State> {
  ProbeTimes times;
  Tell tell;
  Timer timer;
  std::weak_ptr<qmp::Client> client;
  std::uint64_t round = 0;  // counts clients: an answer over an earlier one says nothing
  bool asked = false;
  bool responsive = true;

  void wait(std::chrono::milliseconds time) { timer.set(std::chrono::steady_clock::now() + time); }

  void say(bool answers) {
    if (std::exchange(responsive, answers) != answers && tell) tell(answers);
  }

  void on_timer() {
    const auto present = client.lock();
    if (!present || present->failure()) return;  // lost: whoever connects again watches that
    if (!asked) return ask(*present);
    const auto silent = present->unanswered_for();
    say(silent < times.limit);
    wait(responsive ? times.limit - silent : times.interval);
  }

  void ask(qmp::Client& present) {
    asked = true;
    wait(times.limit);
    present.call_async({.name = "query-status"}, Deadline::max(),
                       [weak = weak_from_this(), asked_in = round](const qmp::Outcome& outcome) {
                         const auto self = weak.lock();
                         if (self && self->round == asked_in) self->on_outcome(outcome);
                       });
  }

  void on_outcome(const qmp::Outcome& outcome) {
    const auto* const error = outcome.error();
    if (error && error->code == Errc::disconnected) return;
    if (error && error->code != Errc::hypervisor_error) {  // not even sent: too much is unanswered. The silence decides
      const auto present = client.lock();
      if (present) say(present->unanswered_for() < times.limit);
    } else {
      say(true);
    }
    asked = false;
    wait(times.interval);
  }
};

Probe::Probe(const std::shared_ptr<IoThread>& io, ProbeTimes times, Tell tell)
    : io_{io}, state_{std::make_shared<State>()} {
  state_->times = times;
  state_->tell = std::move(tell);
  state_->timer = io_->timer([weak = std::weak_ptr{state_}] {
    if (const auto self = weak.lock()) self->on_timer();
  });
}

Probe::~Probe() {
  io_->run_and_wait([this] { stop(); });
}

void Probe::watch(const std::shared_ptr<qmp::Client>& client) {
  io_->run_and_wait([&] {
    if (!state_->timer) return;
    state_->client = client;
    ++state_->round;
    state_->asked = false;
    state_->responsive = true;
    state_->wait(state_->times.interval);
  });
}

void Probe::stop() noexcept {
  state_->tell = nullptr;
  state_->client.reset();
  ++state_->round;
  state_->timer.reset();
}

}  // namespace visor::sdk
