// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "acceptor.hpp"
#include "journal.hpp"
#include "loop.hpp"
#include "message.hpp"
#include "visor/core/unique_fd.hpp"

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace visor::keeper {

struct StopRequest {
  bool ask_owner = false;
  Milliseconds owner_answer{0};
  Milliseconds grace{0};
  Milliseconds term{0};
  pid_t requester = 0;
};

/// What the sessions may ask for.
class Service {
 public:
  virtual ~Service();
  virtual sdk::wire::Message status(std::string_view verb) = 0;
  /// Empty when there is no such process.
  virtual std::optional<std::string> stderr_tail(std::string_view process) = 0;
  virtual void stop(const StopRequest& request) = 0;
  virtual void kill() = 0;
  virtual void commit() = 0;
  virtual void set_ephemeral(bool on) = 0;
  virtual void owner_acknowledged() = 0;
  virtual void owner_left() = 0;
  /// The session that the processes' life hangs on has closed.
  virtual void lifeline_closed() = 0;
};

class Session;

/// keeper.sock and every session with it, the creator's included.
class Control {
 public:
  Control(Loop& loop, Service& service, const Journal& journal);
  ~Control();

  /// Throws Failure.
  void listen(const std::string& path);
  void add_creator(UniqueFd lifeline);
  /// To every session.
  void tell_all(const sdk::wire::Message& message);
  /// To the owner; false when there is none.
  bool tell_owner(const sdk::wire::Message& message);
  [[nodiscard]] const Session* owner() const;
  void journal_grew();
  /// No new session from here on.
  void close_door() { door_.reset(); }
  [[nodiscard]] bool flushed() const;
  /// Forgets closed sessions, and says so to the service.
  void sweep();

 private:
  friend class Session;
  void add_session(UniqueFd socket);
  void set_lifeline(Session* session) { lifeline_ = session; }

  Loop& loop_;
  Service& service_;
  const Journal& journal_;
  std::optional<Acceptor> door_;
  std::vector<std::unique_ptr<Session>> sessions_;
  Session* lifeline_ = nullptr;
};

}  // namespace visor::keeper
