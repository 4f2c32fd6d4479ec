// SPDX-License-Identifier: Apache-2.0
#include "control.hpp"

#include "session.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace visor::keeper {
namespace {

constexpr std::size_t max_sessions = 64;

/// Closed without a word it would look like a keeper that died. The request is not waited for; clients number theirs 1.
void turn_away(int socket) {
  sdk::wire::Message refusal("error");
  refusal.add("id", std::uint64_t{1}).add("code", "exhausted");
  const auto text = refusal.add("text", "The keeper has as many sessions as it can have").encode();
  (void)::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Service::~Service() = default;

Control::Control(Loop& loop, Service& service, const Journal& journal)
    : loop_{loop}, service_{service}, journal_{journal} {}

Control::~Control() = default;

void Control::listen(const std::string& path) {
  door_.emplace(loop_, path, SOCK_SEQPACKET, [this](UniqueFd socket) { add_session(std::move(socket)); });
}

void Control::add_creator(UniqueFd lifeline) {
  sessions_.push_back(std::make_unique<Session>(*this, std::move(lifeline)));
  set_lifeline(sessions_.back().get());
}

void Control::add_session(UniqueFd socket) {
  if (sessions_.size() >= max_sessions) return turn_away(socket.get());
  sessions_.push_back(std::make_unique<Session>(*this, std::move(socket)));
}

void Control::tell_all(const sdk::wire::Message& message) {
  for (auto& session : sessions_) session->send(message);
}

bool Control::tell_owner(const sdk::wire::Message& message) {
  for (auto& session : sessions_) {
    if (!session->is_owner() || session->closed()) continue;
    session->send(message);
    return true;
  }
  return false;
}

const Session* Control::owner() const {
  for (const auto& session : sessions_) {
    if (session->is_owner() && !session->closed()) return session.get();
  }
  return nullptr;
}

void Control::journal_grew() {
  for (auto& session : sessions_) session->pump_journal();
}

bool Control::flushed() const {
  return std::all_of(sessions_.begin(), sessions_.end(),
                     [](const auto& session) { return session->closed() || session->flushed(); });
}

void Control::sweep() {
  bool owner_gone = false;
  bool lifeline_gone = false;
  std::erase_if(sessions_, [&](const auto& session) {
    if (!session->closed()) return false;
    owner_gone = owner_gone || session->is_owner();
    lifeline_gone = lifeline_gone || session.get() == lifeline_;
    return true;
  });
  if (lifeline_gone) {
    lifeline_ = nullptr;
    service_.lifeline_closed();
  }
  if (owner_gone) service_.owner_left();
}

}  // namespace visor::keeper
