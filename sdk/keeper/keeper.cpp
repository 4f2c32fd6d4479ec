// SPDX-License-Identifier: Apache-2.0
#include "keeper.hpp"

#include "message.hpp"
#include "proc_stat.hpp"
#include "record_codec.hpp"
#include "session.hpp"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace visor::keeper {
namespace {

namespace wire = sdk::wire;

constexpr std::size_t stderr_reply_bytes = 64 * 1024;
constexpr Milliseconds stray_pause{20};
constexpr int max_stray_rounds = 100;
constexpr Milliseconds flush_wait{500};

}  // namespace

/// SIGCHLD and SIGTERM, as a descriptor.
class Keeper::Signals final : public Handler {
 public:
  explicit Signals(Keeper& keeper) : keeper_{keeper}, fd_{open()}, watch_{keeper.loop_, fd_.get(), EPOLLIN, *this} {}

  void on_ready(std::uint32_t) override {
    signalfd_siginfo info{};
    if (::read(fd_.get(), &info, sizeof info) != sizeof info) return;
    if (info.ssi_signo == SIGTERM) return keeper_.end_by_itself("keeper");
    keeper_.processes_.reap();
    if (keeper_.phase_ == Phase::ending_strays) keeper_.step_end(false);
  }

 private:
  static int open() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGCHLD);
    ::sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  }

  Keeper& keeper_;
  UniqueFd fd_;
  Watch watch_;
};

Keeper::Keeper(wire::Order order, std::vector<UniqueFd> passed, UniqueFd lifeline)
    : order_{std::move(order)},
      passed_{std::move(passed)},
      lifeline_{std::move(lifeline)},
      folder_{order_.run_dir},
      processes_{loop_, [this](std::size_t index) { on_process_end(index); }},
      console_{loop_},
      journal_{loop_, [this] { control_.journal_grew(); }},
      control_{loop_, *this, journal_},
      ladder_{loop_, processes_, control_},
      end_timer_{loop_, [this] { step_end(true); }},
      committed_{order_.adopt},
      ephemeral_{order_.spec.ephemeral} {}

Keeper::~Keeper() = default;

void Keeper::run() {
  try {
    start();
  } catch (Failure& failure) {
    undo_start();
    report_failure(lifeline_.get(), failure);
    return;
  }
  control_.add_creator(std::move(lifeline_));
  control_.tell_all(status("started"));
  while (phase_ != Phase::over) {
    loop_.step();
    control_.sweep();
    console_.sweep();
    if (phase_ == Phase::flushing && control_.flushed() && console_.flushed()) phase_ = Phase::over;
  }
}

void Keeper::start() {
  for (const auto* name : {"keeper.sock", "console.sock", "exit"}) ::unlink(folder_.file(name).c_str());
  signals_ = std::make_unique<Signals>(*this);
  processes_.make_listeners(order_.spec);
  processes_.unlink_at_end(order_.listeners);
  console_.open(order_.spec, folder_.file("console.sock"));
  journal_.open(order_.spec.watch.journal);
  control_.listen(folder_.file("keeper.sock"));
  if (!order_.adopt) return launch();
  processes_.adopt(order_.spec.main.name, order_.adopted.front());
  for (std::size_t i = 0; i < order_.spec.helpers.size(); ++i) {
    processes_.adopt(order_.spec.helpers[i].name, order_.adopted[i + 1]);
  }
}

void Keeper::launch() {
  for (const auto& helper : order_.spec.helpers) processes_.start(helper, false, passed_, -1);
  processes_.start(order_.spec.main, true, passed_, console_.process_end());
  processes_.close_listeners();
  console_.close_process_end();
  passed_.clear();
}

void Keeper::undo_start() {
  // An adopted process is nobody's half-failed start: it runs on, and so do its sockets.
  if (!order_.adopt) {
    processes_.kill_all();
    processes_.unlink_listeners();
  }
  ::unlink(folder_.file("keeper.sock").c_str());
  ::unlink(folder_.file("console.sock").c_str());
  folder_.unlock();
}

void Keeper::on_process_end(std::size_t index) {
  if (index == 0) return on_main_end();
  if (phase_ != Phase::watching) return step_end(false);
  auto& kept = processes_.all()[index];
  helper_exits_.push_back({kept.name, kept.identity, *kept.exit, kept.exit_us,
                           kept.stderr_reader ? kept.stderr_reader->tail(wire::helper_stderr_bytes) : std::string{}});
  control_.tell_all(wire::Message("helper-exited").add("helper", wire::encode_helper_exit(helper_exits_.back())));
}

void Keeper::on_main_end() {
  ladder_.finish();
  console_.finish_guest();
  journal_.finish();
  record_ = make_record();
  folder_.write("exit", wire::encode_record(record_).encode());
  phase_ = Phase::ending_helpers;
  end_timer_.arm(Milliseconds{0});
}

sdk::ExitRecord Keeper::make_record() {
  auto& main = processes_.main();
  sdk::ExitRecord record;
  record.name = main.name;
  record.identity = main.identity;
  record.status = *main.exit;
  record.time_us = main.exit_us;
  record.ended_by = ladder_.ended_by();
  record.cause = ladder_.cause();
  record.last_lines = journal_.newest(wire::record_lines, wire::record_line_bytes);
  if (main.stderr_reader) record.stderr_tail = main.stderr_reader->tail(wire::record_stderr_bytes);
  record.helpers = helper_exits_;
  return record;
}

// All helpers share one grace, however many hang; by force there is none. True when none is left.
bool Keeper::end_helpers(bool late) {
  auto& all = processes_.all();
  const auto over = [](const Kept& helper) { return helper.exit.has_value(); };
  if (std::all_of(all.begin() + 1, all.end(), over)) return true;
  if (!late) return false;
  const int signal = helpers_asked_ || forced_ ? SIGKILL : SIGTERM;
  for (std::size_t i = all.size() - 1; i > 0; --i) processes_.send_signal(i, signal);
  helpers_asked_ = true;
  end_timer_.arm(Milliseconds{order_.spec.watch.helper_term_ms});
  return false;
}

void Keeper::step_end(bool late) {
  if (phase_ == Phase::ending_helpers) {
    if (!end_helpers(late)) return;
    phase_ = Phase::ending_strays;
  }
  if (phase_ == Phase::ending_strays) {
    stray_rounds_ += late ? 1 : 0;
    if (processes_.kill_strays() && stray_rounds_ < max_stray_rounds) return end_timer_.arm(stray_pause);
    return tell_end();
  }
  if (phase_ == Phase::flushing && late) phase_ = Phase::over;  // whoever has not read by now will not
}

void Keeper::tell_end() {
  phase_ = Phase::flushing;
  end_timer_.arm(flush_wait);
  processes_.unlink_listeners();
  ::unlink(folder_.file("keeper.sock").c_str());
  ::unlink(folder_.file("console.sock").c_str());
  control_.close_door();
  // Whoever hears of the end may use the folder again at once.
  folder_.unlock();
  control_.tell_all(wire::encode_record(record_));
}

void Keeper::kill() {
  forced_ = true;
  ladder_.kill("kill");
  if (phase_ == Phase::ending_helpers) end_timer_.arm(Milliseconds{0});
}

void Keeper::lifeline_closed() {
  if (!committed_ || ephemeral_) end_by_itself("lifeline");
}

void Keeper::end_by_itself(const char* cause) {
  if (phase_ != Phase::watching) return;
  StopRequest request;
  request.term = Milliseconds{order_.spec.watch.term_ms};
  ladder_.begin(cause, request);
}

wire::Message Keeper::status(std::string_view verb) {
  wire::Message message(verb);
  if (verb == "status") {  // the creator knows, and waits for `started`
    const auto self = ::getpid();
    message.add("keeper", wire::encode_identity({self, wire::read_start_time(self).value_or(0)}));
  }
  for (const auto& kept : processes_.all()) {
    message.add("process", kept.name + ' ' + wire::encode_identity(kept.identity) + ' ' +
                               (kept.exit ? wire::encode_status(*kept.exit) : "-"));
  }
  const auto flag = [&message](std::string_view key, bool on) { message.add(key, std::uint64_t{on ? 1U : 0U}); };
  flag("committed", committed_);
  flag("ephemeral", ephemeral_);
  flag("adopted", order_.adopt);
  flag("stopping", ladder_.active());
  flag("console_connected", console_.connected());
  message.add("console_bytes", console_.bytes()).add("console_clients", std::uint64_t{console_.clients()});
  message.add("journal_first", journal_.first()).add("journal_next", journal_.next());
  if (const auto* owner = control_.owner()) {
    message.add("owner", std::to_string(owner->peer()) + ' ' + owner->operation());
  }
  return message;
}

std::optional<std::string> Keeper::stderr_tail(std::string_view process) {
  for (const auto& kept : processes_.all()) {
    if (!process.empty() && kept.name != process) continue;
    return kept.stderr_reader ? kept.stderr_reader->tail(stderr_reply_bytes) : std::string{};
  }
  return std::nullopt;
}

}  // namespace visor::keeper
