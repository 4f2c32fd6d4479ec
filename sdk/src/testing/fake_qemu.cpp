// SPDX-License-Identifier: Apache-2.0
// A program that stands in for QEMU: it reads QEMU's command line, serves its monitors on the sockets that it inherits,
// keeps the run state, and runs no guest. The guest that it pretends powers off when it is asked to; its console shows
// the kernel's command line to whoever connects.
//
// `-fake WORD`, as often as wanted, says where it fails (host.hypervisor_params: key "fake", value WORD):
//
//   STEP=ACTION     STEP is start, greeting, sigterm or a QMP command; ACTION is one of
//                     silence  not a word about this step
//                     hang     from here on nothing at all; only SIGKILL ends it
//                     garbage  bytes that are no JSON
//                     error    a refusal (commands)
//                     close    the connection is closed
//                     ignore   as if all were well, but nothing follows (commands, sigterm)
//                     exit     the program ends
//   stderr=TEXT     is written to stderr first of all
//   exit-code=N     the exit code of whatever end it comes to by itself
//   script=FILE     more words, one a line
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/testing/fake_qmp_server.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::testing {
namespace {

/// The member of "a=1,b=2" by its key; empty when there is none.
std::string member(std::string_view list, std::string_view key) {
  while (!list.empty()) {
    const auto item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    if (item.size() > key.size() && item.starts_with(key) && item[key.size()] == '=') {
      return std::string{item.substr(key.size() + 1)};
    }
  }
  return {};
}

Value error_reply(const std::string& error_class, const std::string& text) {
  return Value::map({{"error", Value::map({{"class", error_class}, {"desc", text}})}});
}

/// One end of a -chardev: a socket that listens, with one client at a time.
struct Channel {
  UniqueFd listener;
  UniqueFd client;
  bool monitor = false;
  bool console = false;
  bool negotiated = false;
  std::string input;

  void close() {
    client.reset();
    negotiated = false;
    input.clear();
  }
  void write(const std::string& text) const {
    if (client) (void)::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  void send(const Value& object) const { write(to_json(object) + "\r\n"); }
};

class FakeQemu {
 public:
  explicit FakeQemu(const std::vector<std::string>& arguments);
  /// Serves until something ends it; the exit code.
  int run();

 private:
  void add_word(const std::string& word);
  [[nodiscard]] std::string action(const std::string& step) const;
  /// Does what was asked for at this step; false when nothing was, and all goes its way.
  bool fails(const std::string& step, Channel* channel, const Value* id = nullptr);
  void accept_client(Channel& channel);
  void read_input(Channel& channel);
  void obey(Channel& channel, const Value& command);
  [[nodiscard]] std::optional<Value> answer(const std::string& command);
  void event(const std::string& name, const Value& data = {});
  void run_state(const std::string& state, const std::string& event_name);
  void shut_down(bool by_guest, const std::string& reason);
  [[nodiscard]] int exit_code() const;
  void on_signal();

  std::map<std::string, std::string> words_;
  std::map<std::string, Channel> channels_;
  std::string kernel_line_;
  std::string state_ = "prelaunch";
  int vcpus_ = 1;
  UniqueFd signals_;
  std::optional<int> ended_;
};

FakeQemu::FakeQemu(const std::vector<std::string>& arguments) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC));
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    const auto& value = arguments[i + 1];
    if (arguments[i] == "-fake") add_word(value);
    if (arguments[i] == "-append") kernel_line_ = value;
    if (arguments[i] == "-smp") vcpus_ = std::stoi(member(value, "cpus"));
    if (arguments[i] == "-mon") channels_[member(value, "chardev")].monitor = true;
    if (arguments[i] == "-serial") channels_[value.substr(value.find(':') + 1)].console = true;
    if (arguments[i] == "-chardev") channels_[member(value, "id")].listener.reset(std::stoi(member(value, "fd")));
  }
}

void FakeQemu::add_word(const std::string& word) {
  const auto equals = word.find('=');
  const auto key = word.substr(0, equals);
  const auto value = equals == std::string::npos ? std::string{} : word.substr(equals + 1);
  if (key != "script") {
    words_[key] = value;
    return;
  }
  std::ifstream file{value};
  for (std::string line; std::getline(file, line);) add_word(line);
}

std::string FakeQemu::action(const std::string& step) const {
  const auto found = words_.find(step);
  return found == words_.end() ? std::string{} : found->second;
}

bool FakeQemu::fails(const std::string& step, Channel* channel, const Value* id) {
  const auto what = action(step);
  if (what.empty() || what == "ignore") return false;
  while (what == "hang") ::pause();
  if (what == "exit") ended_ = exit_code();
  if (channel == nullptr) return true;
  if (what == "close") channel->close();
  if (what == "garbage") channel->write("this is no JSON\r\n");
  if (what == "error") {
    auto refusal = error_reply("GenericError", "the fake refuses " + step);
    if (id != nullptr) refusal.set("id", *id);
    channel->send(refusal);
  }
  return true;
}

void FakeQemu::accept_client(Channel& channel) {
  channel.client.reset(::accept4(channel.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (channel.console) channel.write("fake guest: " + kernel_line_ + "\r\n");
  if (channel.monitor && !fails("greeting", &channel)) channel.send(FakeGreeting{}.object());
}

void FakeQemu::read_input(Channel& channel) {
  std::array<char, 4096> bytes;
  const auto size = ::recv(channel.client.get(), bytes.data(), bytes.size(), 0);
  if (size <= 0) return channel.close();
  if (!channel.monitor) return;
  channel.input.append(bytes.data(), static_cast<std::size_t>(size));
  for (auto end = channel.input.find('\n'); end != std::string::npos; end = channel.input.find('\n')) {
    const auto command = parse_json(channel.input.substr(0, end));
    channel.input.erase(0, end + 1);
    obey(channel, command);
    if (ended_ || !channel.client) return;
  }
}

void FakeQemu::obey(Channel& channel, const Value& command) {
  const auto* in_band = command.find("execute");
  const auto& name = (in_band != nullptr ? *in_band : command.at("exec-oob")).as_string();
  const auto* id = command.find("id");
  if (fails(name, &channel, id)) return;
  Value reply;
  if (channel.negotiated == (name == "qmp_capabilities")) {
    reply = error_reply("CommandNotFound", channel.negotiated
                                               ? "Capabilities negotiation is already complete, command ignored"
                                               : "Expecting capabilities negotiation with 'qmp_capabilities'");
  } else if (auto value = answer(name)) {
    channel.negotiated = true;
    reply = Value::map({{"return", *std::move(value)}});
  } else {
    reply = error_reply("CommandNotFound", "The command " + name + " has not been found");
  }
  if (id != nullptr) reply.set("id", *id);
  channel.send(reply);
  if (action(name) == "ignore") return;
  if (name == "system_powerdown" && state_ == "running") shut_down(true, "guest-shutdown");
}

/// What a command returns; nothing for one that this QEMU does not have. An event of a command comes before its answer.
std::optional<Value> FakeQemu::answer(const std::string& command) {
  const bool ignored = action(command) == "ignore";
  if (command == "query-status") {
    return Value::map({{"status", state_}, {"singlestep", false}, {"running", state_ == "running"}});
  }
  if (command == "query-cpus-fast") {
    auto cpus = Value::list();
    for (int i = 0; i < vcpus_; ++i) {
      cpus.push_back(Value::map({{"cpu-index", i},
                                 {"thread-id", ::getpid()},
                                 {"qom-path", "/machine/unattached/device[" + std::to_string(i) + "]"},
                                 {"target", "x86_64"},
                                 {"props", Value::map({{"socket-id", i}})}}));
    }
    return cpus;
  }
  if (command == "cont" && !ignored) run_state("running", "RESUME");
  if (command == "stop" && !ignored) run_state("paused", "STOP");
  if (command == "system_powerdown") event("POWERDOWN");
  if (command == "quit" && !ignored) shut_down(false, "host-qmp-quit");
  constexpr std::array known = {"qmp_capabilities", "cont", "stop", "system_powerdown", "quit"};
  return std::ranges::find(known, command) != known.end() ? std::optional{Value::map()} : std::nullopt;
}

void FakeQemu::event(const std::string& name, const Value& data) {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  auto object = Value::map(
      {{"timestamp", Value::map({{"seconds", now / 1'000'000}, {"microseconds", now % 1'000'000}})}, {"event", name}});
  if (!data.is_null()) object.set("data", data);
  for (const auto& [id, channel] : channels_) {
    if (channel.negotiated) channel.send(object);
  }
}

void FakeQemu::run_state(const std::string& state, const std::string& event_name) {
  if (state_ == state) return;
  state_ = state;
  event(event_name);
}

void FakeQemu::shut_down(bool by_guest, const std::string& reason) {
  event("SHUTDOWN", Value::map({{"guest", by_guest}, {"reason", reason}}));
  ended_ = exit_code();
}

int FakeQemu::exit_code() const {
  const auto code = action("exit-code");
  return code.empty() ? 0 : std::stoi(code);
}

void FakeQemu::on_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
  if (action("sigterm") != "ignore" && !fails("sigterm", nullptr)) shut_down(false, "host-signal");
}

int FakeQemu::run() {
  if (const auto text = action("stderr"); !text.empty()) std::cerr << text << std::endl;
  fails("start", nullptr);
  while (!ended_) {
    std::vector<pollfd> polled{{signals_.get(), POLLIN, 0}};
    std::vector<Channel*> owners{nullptr};
    for (auto& [id, channel] : channels_) {
      // As QEMU does it: who comes while a client is there waits in the listener's queue.
      polled.push_back({channel.client ? channel.client.get() : channel.listener.get(), POLLIN, 0});
      owners.push_back(&channel);
    }
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < polled.size() && !ended_; ++i) {
      if (polled[i].revents == 0) continue;
      if (owners[i] == nullptr) {
        on_signal();
      } else if (owners[i]->client) {
        read_input(*owners[i]);
      } else {
        accept_client(*owners[i]);
      }
    }
  }
  return *ended_;
}

}  // namespace
}  // namespace visor::testing

int main(int argc, char** argv) {
  try {
    return visor::testing::FakeQemu{std::vector<std::string>{argv + 1, argv + argc}}.run();
  } catch (const std::exception& error) {
    std::cerr << "fake QEMU: " << error.what() << '\n';
    return 1;
  }
}
