// SPDX-License-Identifier: Apache-2.0
#include "ladder.hpp"

#include <csignal>

namespace visor::keeper {

Ladder::Ladder(Loop& loop, Processes& processes, Control& control)
    : processes_{processes}, control_{control}, timer_{loop, [this] { next(); }} {}

void Ladder::begin(std::string cause, const StopRequest& request) {
  const bool waiting_for_owner = rung_ == Rung::asked || rung_ == Rung::granted;
  if (active() && (request.ask_owner || !waiting_for_owner)) return;  // joins the one under way
  request_ = request;
  cause_ = std::move(cause);
  sdk::wire::Message message("stop-request");
  message.add("requester", static_cast<std::uint64_t>(request.requester));
  message.add("grace_ms", static_cast<std::uint64_t>(request.grace.count()));
  if (!request.ask_owner || !control_.tell_owner(message)) return term();
  rung_ = Rung::asked;
  timer_.arm(request.owner_answer);
}

void Ladder::kill(std::string cause) {
  if (!active()) cause_ = std::move(cause);
  rung_ = Rung::killed;
  timer_.cancel();
  processes_.send_signal(0, SIGKILL);
}

void Ladder::owner_acknowledged() {
  if (rung_ != Rung::asked) return;
  rung_ = Rung::granted;
  timer_.arm(request_.grace);
}

void Ladder::owner_left() {
  if (rung_ == Rung::asked) term();
}

void Ladder::term() {
  rung_ = Rung::termed;
  processes_.send_signal(0, SIGTERM);
  timer_.arm(request_.term);
}

void Ladder::next() {
  if (rung_ == Rung::termed) return kill(cause_);
  if (rung_ == Rung::asked || rung_ == Rung::granted) term();
}

sdk::EndedBy Ladder::ended_by() const noexcept {
  switch (rung_) {
    case Rung::idle:
      break;
    case Rung::asked:
    case Rung::granted:
      return sdk::EndedBy::owner;
    case Rung::termed:
      return sdk::EndedBy::term;
    case Rung::killed:
      return sdk::EndedBy::kill;
  }
  return sdk::EndedBy::itself;
}

}  // namespace visor::keeper
