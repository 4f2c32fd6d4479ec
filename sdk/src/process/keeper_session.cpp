// SPDX-License-Identifier: Apache-2.0
// Sessions with a keeper: making one, and what goes over it.
#include "channel.hpp"
#include "order_making.hpp"
#include "record_codec.hpp"
#include "spawn.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/process/keeper.hpp"
#include "visor/sdk/process/reaper.hpp"
#include "wait.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace visor::sdk {
namespace {

/// How long the end of a keeper is waited for whose process has ended: it writes its record and goes.
constexpr std::chrono::milliseconds farewell{500};

bool has_ended(const ProcessIdentity& process) noexcept try { return !alive(process); } catch (const Error&) {
  return false;
}

void await_end(const ProcessIdentity& keeper) noexcept try {
  if (const auto process = Pidfd::open(keeper)) (void)process->wait_end(std::chrono::steady_clock::now() + farewell);
} catch (const Error&) {  // it is reaped later
}

void reap_quietly() noexcept try { (void)reap_left_over(); } catch (const Error&) {  // the next launch tries again
}

constexpr std::chrono::seconds clean_up_wait{5};
constexpr std::chrono::seconds notice_wait{1};  // for messages that wait for no answer

UniqueFd order_file(const std::string& order) {
  UniqueFd file(::memfd_create("visor-order", MFD_CLOEXEC));
  if (!file) throw system_error("Cannot create the keeper's order", errno);
  if (::write(file.get(), order.data(), order.size()) != static_cast<ssize_t>(order.size())) {
    throw system_error("Cannot write the keeper's order", errno);
  }
  return file;
}

// Descriptors are in the socket before the keeper starts: nothing of ours is inherited by accident.
void send_order(int socket, const std::string& order, const std::vector<int>& host_fds) {
  const auto file = order_file(order);
  std::vector<int> fds{file.get()};
  fds.insert(fds.end(), host_fds.begin(), host_fds.end());
  const auto bytes = fds.size() * sizeof(int);
  std::vector<char> control(CMSG_SPACE(bytes));
  std::string text = "order";
  iovec part{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  auto* item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(bytes);
  std::memcpy(CMSG_DATA(item), fds.data(), bytes);
  if (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0) throw system_error("Cannot pass descriptors to the keeper", errno);
}

Error start_error(const wire::Message& message) {
  const auto number = static_cast<int>(message.number("errno"));
  const auto process = message.get("process");
  std::string what =
      process.empty() ? "The keeper cannot start" : "Cannot start process '" + std::string{process} + "'";
  what.append(" (").append(message.get("stage")).append(")");
  if (const auto text = message.get("text"); !text.empty()) what.append(": ").append(text);
  switch (number) {
    case EBUSY:
      return Error(Errc::busy, what);
    case EINVAL:
      return message.get("stage") == "order" ? Error(Errc::invalid_config, what) : system_error(what, number);
    case ESRCH:
      return Error(Errc::not_found, what);
    case EADDRINUSE:
      return Error(Errc::already_exists, what + ": somebody else uses this path");
    case ETIMEDOUT:
      return Error(Errc::timeout, what);
    default:
      return system_error(what, number);
  }
}

wire::Message await_start(int session, const CallContext& call) {
  auto received = await_message(session, call, "start");
  if (!received.message) throw Error(Errc::disconnected, "The keeper ended before it answered");
  if (received.message->verb() != "started") throw start_error(*received.message);
  return std::move(*received.message);
}

}  // namespace

Keeper::Keeper(Keeper&&) noexcept = default;

Keeper& Keeper::operator=(Keeper&& other) noexcept {
  if (this == &other) return *this;
  leave_to_reaper(std::move(pidfd_));
  session_ = std::move(other.session_);
  pidfd_ = std::move(other.pidfd_);
  identity_ = other.identity_;
  processes_ = std::move(other.processes_);
  run_dir_ = std::move(other.run_dir_);
  early_ = std::move(other.early_);
  return *this;
}

Keeper::~Keeper() {
  session_.reset();
  // A failed launch has a keeper and no processes: that keeper must be reaped, too.
  if (!processes_.empty() && has_ended(processes_.front().identity)) await_end(identity_);
  leave_to_reaper(std::move(pidfd_));
  reap_quietly();
}

Keeper Keeper::start(const std::string& order, const std::vector<int>& host_fds, const LaunchOptions& options) {
  reap_left_over();
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw system_error("Cannot create a socket for the keeper", errno);
  }
  Keeper keeper;
  keeper.session_.reset(ends[0]);
  UniqueFd lifeline(ends[1]);
  keeper.run_dir_ = options.run_dir;
  send_order(keeper.session_.get(), order, host_fds);
  auto spawned = spawn_keeper(options.keeper_path, options.run_dir, lifeline.get());
  keeper.pidfd_ = std::move(spawned.pidfd);
  lifeline.reset();
  try {
    keeper.identity_ = identify(spawned.pid).value_or(ProcessIdentity{});
    const auto message = await_start(keeper.session_.get(), options.call);
    keeper.processes_ = parse_processes(message);
    return keeper;
  } catch (...) {
    keeper.session_.reset();
    // It ends what it had started. One that does not even do that has nothing we could save.
    Pidfd process(std::move(keeper.pidfd_));
    if (!process.wait_end(std::chrono::steady_clock::now() + clean_up_wait)) process.send_signal(SIGKILL);
    keeper.pidfd_ = process.release();
    throw;
  }
}

Keeper Keeper::launch(const KeeperSpec& spec, const LaunchOptions& options) {
  const auto order = encode_launch(spec, options.run_dir);
  return start(order.bytes, order.fds, options);
}

Keeper Keeper::adopt(const AdoptSpec& spec, const LaunchOptions& options) {
  const auto order = encode_adoption(spec, options.run_dir);
  if (!alive(spec.main.identity)) {
    throw Error(Errc::not_found, "Process '" + spec.main.name + "' (" + std::to_string(spec.main.identity.pid) +
                                     ") has ended; there is nothing to adopt");
  }
  return start(order.bytes, order.fds, options);
}

Keeper Keeper::attach(const std::string& run_dir, const CallContext& call) {
  Keeper keeper;
  keeper.run_dir_ = run_dir;
  keeper.session_ = connect_keeper(keeper_socket_path(run_dir), SOCK_SEQPACKET, call);
  wire::Message request("status");
  send_request(keeper.session_.get(), request.add("id", std::uint64_t{1}), call);
  std::vector<wire::Message> others;
  const auto message = await_reply(keeper.session_.get(), call, "attach", &others);
  auto identity = message.get("keeper");
  keeper.identity_ = wire::take_identity(identity);
  keeper.processes_ = parse_processes(message);
  keeper.keep_events(others);
  return keeper;
}

void Keeper::keep_events(const std::vector<wire::Message>& messages) {
  for (const auto& message : messages) {
    if (auto event = parse_event(message)) early_.push_back(std::move(*event));
  }
}

void Keeper::hello(KeeperRole role, std::string_view operation, const CallContext& call) {
  wire::Message request("hello");
  request.add("id", std::uint64_t{1}).add("role", role == KeeperRole::owner ? "owner" : "observer");
  send_message(session_.get(), request.add("operation", operation), call);
  std::vector<wire::Message> others;
  await_reply(session_.get(), call, "hello", &others);
  keep_events(others);
}

void Keeper::notify(const wire::Message& message) const {
  send_message(session_.get(), message, std::chrono::steady_clock::now() + notice_wait);
}

void Keeper::set_operation(std::string_view operation) try {
  notify(wire::Message("operation").add("text", operation));
} catch (const Error&) {  // only somebody's error message would have shown it
}

void Keeper::acknowledge_stop() try {
  notify(wire::Message("ack"));
} catch (const Error&) {  // the events tell of the keeper's end
}

void Keeper::commit() { notify(wire::Message("commit")); }

void Keeper::set_ephemeral(bool ephemeral) {
  notify(wire::Message("ephemeral").add("on", std::uint64_t{ephemeral ? 1U : 0U}));
}

std::optional<KeeperEvent> Keeper::poll_event() {
  if (!early_.empty()) {
    auto event = std::move(early_.front());
    early_.erase(early_.begin());
    return event;
  }
  for (;;) {
    const auto received = receive_message(session_.get());
    if (received.end) return KeeperEvent{};
    if (!received.message) return std::nullopt;
    if (auto event = parse_event(*received.message)) return event;
  }
}

std::optional<KeeperEvent> Keeper::wait_event(Deadline deadline) {
  for (;;) {
    if (auto event = poll_event()) return event;
    if (!wait_for(session_.get(), POLLIN, deadline)) return std::nullopt;
  }
}

}  // namespace visor::sdk
