// SPDX-License-Identifier: Apache-2.0
#include "child.hpp"
#include "fixture.hpp"

#include <cstdio>
#include <map>

namespace visor::conformance {
namespace {

struct Job {
  const Subject& subject;
  Hypervisor& hypervisor;
  std::filesystem::path run_dir;
  [[nodiscard]] CallContext call() const { return subject.call_limit; }
  [[nodiscard]] std::unique_ptr<Vm> attach() const { return hypervisor.attach(read_record(run_dir), call()); }
};

void say(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

void wait_for_end_of_input() {
  while (std::getchar() != EOF) {
  }
}

void create(const Job& job, bool ephemeral) {
  auto config = job.subject.config;
  config.ephemeral = ephemeral;
  const auto vm = job.hypervisor.create(config, job.run_dir.filename().string(), job.run_dir);
  vm->start(job.call());
  say("running");
  wait_for_end_of_input();
}

void own(const Job& job) {
  const auto vm = job.attach();
  vm->pause(job.call());
  say("owner");
  wait_for_end_of_input();
}

void say_state(const Job& job, Vm& vm) { say(to_string(vm.status(job.call()).state)); }

const std::map<std::string, void (*)(const Job&), std::less<>> commands = {
    {"create", [](const Job& job) { create(job, false); }},
    {"create-ephemeral", [](const Job& job) { create(job, true); }},
    {"own", own},
    {"status", [](const Job& job) { say_state(job, *job.attach()); }},
    {"pause",
     [](const Job& job) {
       const auto vm = job.attach();
       vm->pause(job.call());
       say_state(job, *vm);
     }},
    {"stop",
     [](const Job& job) {
       const auto vm = job.attach();
       vm->stop({.force = true}, job.call());
       say_state(job, *vm);
     }},
};

}  // namespace

int run_helper(const std::vector<std::string>& arguments) {
  try {
    const auto* subject = arguments.size() == 3 ? find_subject(arguments[0]) : nullptr;
    const auto command = arguments.size() == 3 ? commands.find(arguments[1]) : commands.end();
    if (subject == nullptr || command == commands.end()) {
      throw Error(Errc::invalid_config, "Usage: --helper SUBJECT COMMAND RUN_DIR");
    }
    const auto hypervisor = load_hypervisor(*subject);
    command->second(Job{*subject, *hypervisor, arguments[2]});
    return 0;
  } catch (const Error& error) {
    say("error " + std::string{to_string(error.code())} + ": " + error.message());
    return 1;
  }
}

}  // namespace visor::conformance
