// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

#include "refusal.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <iostream>
#include <utility>

namespace visor::testing {
namespace {

UniqueFd block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return UniqueFd{::signalfd(-1, &set, SFD_CLOEXEC)};
}

const Profile& chosen_profile(const Words& words) {
  const auto name = words.value("profile");
  return *find_profile(name.empty() ? "7.2" : name);
}

Value time_stamp() {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  return Value::map({{"seconds", now / 1'000'000}, {"microseconds", now % 1'000'000}});
}

}  // namespace

Server::Server(CommandLine line)
    : line_{std::move(line)},
      words_{line_.words},
      profile_{chosen_profile(words_)},
      signals_{block_signals()},
      script_end_{::eventfd(0, EFD_CLOEXEC)},
      machine_{line_, profile_, [this](const std::string& name, const Value& data) { tell(name, data); }} {
  if (!signals_ || !script_end_) throw system_error("Cannot make a descriptor", errno);
  add_channels();
}

void Server::add_channels() {
  for (const auto& socket : line_.sockets) channels_.emplace_back(socket);
  for (const auto& id : line_.monitors) {
    const auto found = std::ranges::find(channels_, id, &Channel::id);
    if (found == channels_.end()) throw Error(Errc::invalid_config, "-mon: there is no -chardev socket '" + id + "'");
    found->monitor = true;
    auto file = words_.value("script." + id);
    if (file.empty() && id == line_.monitors.front()) file = words_.value("script");
    if (!file.empty()) play_script(*found, file);
  }
  for (const auto& [word, file] : line_.words) {
    if (!word.starts_with("script.") || std::ranges::find(line_.monitors, word.substr(7)) != line_.monitors.end())
      continue;
    throw Error(Errc::invalid_config, "-fake " + word + ": there is no monitor of that name");
  }
  for (auto& channel : channels_) channel.console = channel.id == line_.console;
}

void Server::play_script(Channel& channel, const std::string& file) {
  FakeQmpServer::Options options;
  options.listener = std::move(channel.listener);
  options.patience = std::chrono::hours{24};
  options.on_stderr = [](std::string_view text) { std::cerr << text << std::flush; };
  options.on_exit = [this](int code) { end_from_script(code); };
  options.on_over = [this, file](const std::string& problem) {
    if (problem.empty() || ended_from_outside_) return;
    std::cerr << "visor-fake-qemu: " << (problem.starts_with(file) ? "" : file + ": ") << problem << std::endl;
    end_from_script(1);
  };
  scripts_.push_back(std::make_unique<FakeQmpServer>(QmpScript::load(file), std::move(options)));
}

void Server::end_from_script(int code) {
  script_code_ = code;
  (void)::eventfd_write(script_end_.get(), 1);
}

bool Server::fails(const std::string& step, Channel* channel, const Value* id) {
  const auto what = words_.action(step);
  if (what.empty() || what == "ignore" || what == "refuse") return false;
  while (what == "hang") ::pause();
  if (what == "exit") ended_ = words_.exit_code();
  if (channel == nullptr) return true;
  if (what == "close") channel->close();
  if (what == "garbage") channel->write("this is no JSON\r\n");
  if (what == "error") {
    auto refusal = Refusal{"GenericError", words_.refusal(step)}.reply();
    if (id != nullptr) refusal.set("id", *id);
    channel->send(refusal);
  }
  return true;
}

void Server::accept_client(Channel& channel) {
  channel.client.reset(::accept4(channel.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  greet(channel);
}

void Server::greet(Channel& channel) {
  if (channel.console) channel.write("fake guest: " + line_.kernel_line + "\r\n");
  if (channel.monitor && !fails("greeting", &channel)) channel.send(profile_.greeting.object());
}

void Server::read_input(Channel& channel) {
  UniqueFd fd;
  if (!channel.read(fd)) return channel.close();
  if (fd) machine_.receive(std::move(fd));
  while (const auto message = channel.input.next()) {
    Value command;
    try {
      command = parse_json(*message);
    } catch (const Error&) {
      channel.send(Refusal{"GenericError", "JSON parse error, this is no JSON"}.reply());
      continue;
    }
    obey(channel, command);
    if (ended_ || !channel.client) return;
  }
}

void Server::obey(Channel& channel, const Value& command) {
  const auto* name = command.find("execute");
  if (name == nullptr) name = command.find("exec-oob");
  const auto* const id = command.find("id");
  if (name != nullptr && name->is_string()) words_.begin(name->as_string());
  Value reply;
  if (name == nullptr || !name->is_string()) {
    reply = Refusal{"GenericError",
                    command.is_map() ? "QMP input lacks member 'execute'" : "QMP input must be a JSON object"}
                .reply();
  } else if (fails(name->as_string(), &channel, id)) {
    return;
  } else {
    const auto* const arguments = command.find("arguments");
    reply = answer(channel, name->as_string(), arguments != nullptr ? *arguments : Value{});
  }
  if (id != nullptr) reply.set("id", *id);
  channel.send(reply);
  machine_.finish();
  if (machine_.has_ended()) ended_ = machine_.has_failed() ? 1 : words_.exit_code();
}

Value Server::answer(Channel& channel, const std::string& command, const Value& arguments) {
  try {
    if (channel.negotiated == (command == "qmp_capabilities")) {
      throw Refusal{"CommandNotFound", channel.negotiated
                                           ? "Capabilities negotiation is already complete, command ignored"
                                           : "Expecting capabilities negotiation with 'qmp_capabilities'"};
    }
    const auto action = words_.action(command);
    const auto how = action == "ignore"   ? Obedience::ignore
                     : action == "refuse" ? Obedience::guest_refuses
                                          : Obedience::full;
    auto value = machine_.execute(command, arguments, how);
    channel.negotiated = true;
    return Value::map({{"return", std::move(value)}});
  } catch (const Refusal& refusal) {
    return refusal.reply();
  }
}

void Server::tell(const std::string& name, const Value& data) {
  auto object = Value::map({{"timestamp", time_stamp()}, {"event", name}});
  if (!data.is_null()) object.set("data", data);
  for (const auto& channel : channels_) {
    if (channel.negotiated) channel.send(object);
  }
}

void Server::on_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
  if (info.ssi_signo == SIGUSR1) {
    for (const auto& script : scripts_) script->release("SIGUSR1");
    line_.words = current_words(line_);
    words_ = Words{line_.words};
  } else if (words_.action("sigterm") != "ignore" && !fails("sigterm", nullptr)) {
    machine_.shut_down(false, "host-signal");
    ended_ = words_.exit_code();
  }
}

void Server::poll_once() {
  std::vector<pollfd> polled{{signals_.get(), POLLIN, 0}, {script_end_.get(), POLLIN, 0}};
  // As QEMU does it: who comes while a client is there waits in the listener's queue.
  for (const auto& channel : channels_) polled.push_back({channel.polled(), POLLIN, 0});
  if (::poll(polled.data(), polled.size(), -1) < 0) return;
  if (polled[1].revents != 0) ended_ = script_code_;
  if (polled[0].revents != 0 && !ended_) on_signal();
  for (std::size_t i = 0; i < channels_.size() && !ended_; ++i) {
    if (polled[i + 2].revents == 0) continue;
    if (channels_[i].client) {
      read_input(channels_[i]);
    } else {
      accept_client(channels_[i]);
    }
  }
}

int Server::run() {
  if (const auto text = words_.value("stderr"); !text.empty()) std::cerr << text << std::endl;
  fails("start", nullptr);
  for (auto& channel : channels_) {
    if (channel.client) greet(channel);
  }
  while (!ended_) poll_once();
  ended_from_outside_ = true;
  scripts_.clear();
  return *ended_;
}

}  // namespace visor::testing
