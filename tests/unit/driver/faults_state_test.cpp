// SPDX-License-Identifier: Apache-2.0
// QEMU fails at each step of saving, becoming a template, moving and restoring, in each way: a bounded error, the guest
// as it was, no file, and the next try works.
#include "state_fixture.hpp"

#include <future>
#include <iostream>
#include <optional>
#include <string_view>

namespace visor::sdk {
namespace {

const std::vector<std::string> actions = {"error", "silence", "hang", "garbage", "close", "exit"};
const std::vector<std::string> leaving_steps = {
    "query-migrate",          "getfd",  "query-migrate-capabilities", "migrate-set-capabilities",
    "migrate-set-parameters", "migrate"};
/// Where nothing but the deadline can end the call, or where the reason of a lost connection is waited for.
constexpr auto short_limit = 400ms;

const visor::StopOptions at_once{.force = true, .terminate_grace = 20ms};

bool needs_deadline(const std::string& action) { return action != "error" && action != "exit"; }

class StateFaults : public StateDriverTest {
 protected:
  /// One cell of the table: what is wrong, or nothing.
  using Cell = std::function<std::optional<std::string>(const std::string& step, const std::string& action)>;

  static void run_table(const char* name, const std::vector<std::string>& steps, const Cell& cell) {
    std::size_t passed = 0;
    for (const auto& step : steps) {
      for (const auto& action : actions) {
        const auto problem = cell(step, action);
        EXPECT_FALSE(problem) << name << ", " << step << "=" << action << ": " << *problem;
        passed += problem ? 0 : 1;
      }
    }
    std::cout << name << ": " << passed << " / " << steps.size() * actions.size() << " cells passed\n";
  }

  static CallContext call_for(const std::string& action) {
    return needs_deadline(action) ? CallContext{short_limit} : CallContext{limit};
  }

  /// How a VM is after QEMU did this to it.
  std::optional<std::string> wrong_state(Vm& vm, const std::string& action, std::string_view alive) {
    if (action == "exit") {
      (void)vm.wait_exit(limit);
      const auto state = vm.status(limit).state;
      return is_over(state) ? std::nullopt : std::optional{"it is " + std::string{to_string(state)}};
    }
    if (action == "hang") return std::nullopt;  // nobody can know
    change_words(vm, {});
    const auto status = vm.status(limit);
    if (to_string(status.state) == alive && status.responsive) return std::nullopt;
    return "it is " + std::string{to_string(status.state)} + " (" + status.detail + ")";
  }
  /// A getfd that is never answered keeps others from being sent over its connection.
  static void prepare_retry(Vm& vm, const std::string& step, const std::string& action) {
    if (step == "getfd" && action == "silence") vm.disconnect();
  }
  static bool is_over(VmState state) { return state == VmState::stopped || state == VmState::failed; }
  static bool can_retry(const std::string& action) { return action != "exit" && action != "hang"; }

  void remove(const std::string& id) {
    std::filesystem::remove_all(folder(id));
    std::filesystem::remove_all(run_dir());
  }
};

TEST_F(StateFaults, Save) {
  auto steps = leaving_steps;
  steps.insert(steps.end(), {"query-status", "stop", "cont"});
  run_table("save", steps, [&](const std::string& step, const std::string& action) -> std::optional<std::string> {
    const auto vm = start();
    const auto saved = make_folder("saved");
    change_words(*vm, {step + "=" + action});
    std::optional<std::string> problem;
    try {
      save(*vm, saved, call_for(action));
      problem = "it succeeded";
    } catch (const Error& error) {
      if (error.message().empty()) problem = "no message";
    }
    // The step that lets the guest run is the one that fails.
    const bool stands = step == "cont" && can_retry(action);
    if (!problem) problem = wrong_state(*vm, action, stands ? "paused" : "running");
    if (!problem && !entries(saved).empty()) problem = "a file remains";
    if (!problem && stands) vm->resume(limit);
    if (!problem && can_retry(action)) {
      prepare_retry(*vm, step, action);
      save(*vm, saved);
    }
    vm->stop(at_once, limit);
    set_words({});
    remove("saved");
    return problem;
  });
}

TEST_F(StateFaults, Template) {
  run_table("template", leaving_steps,
            [&](const std::string& step, const std::string& action) -> std::optional<std::string> {
              const auto vm = created(template_config(true), "original");
              vm->start(limit);
              change_words(*vm, {step + "=" + action});
              std::optional<std::string> problem;
              try {
                get<SnapshotExtension>(*vm)->begin_template(call_for(action));
                problem = "it succeeded";
              } catch (const Error&) {
              }
              if (!problem) problem = wrong_state(*vm, action, "running");
              if (!problem && std::filesystem::exists(folder("template-state"))) problem = "a file remains";
              if (!problem && can_retry(action)) {
                prepare_retry(*vm, step, action);
                get<SnapshotExtension>(*vm)->begin_template(limit);
              }
              vm->stop(at_once, limit);
              std::filesystem::remove(folder("template-state"));
              std::filesystem::remove(memory_dir() / "memory");
              set_words({});
              remove("original");
              return problem;
            });
}

TEST_F(StateFaults, Move) {
  run_table("move", leaving_steps,
            [&](const std::string& step, const std::string& action) -> std::optional<std::string> {
              const auto vm = start();
              change_words(*vm, {step + "=" + action});
              std::optional<std::string> problem;
              {
                const Ends ends;
                try {
                  (void)send(*vm, ends.from.get(), call_for(action));
                  problem = "it succeeded";
                } catch (const Error&) {
                }
              }
              if (!problem) problem = wrong_state(*vm, action, "running");
              if (!problem && can_retry(action)) {
                const auto record = vm->record();
                const auto* const mark = record.blob.find("leaving");
                if (mark != nullptr && !mark->is_null()) problem = "it still counts as leaving";
                prepare_retry(*vm, step, action);
                const Ends ends;
                (void)send(*vm, ends.from.get());
              }
              vm->stop(at_once, limit);
              set_words({});
              remove("none");
              return problem;
            });
}

TEST_F(StateFaults, Restore) {
  {
    const auto vm = start();
    save(*vm, make_folder("saved"));
    vm->stop(at_once, limit);
  }
  const auto back = restored(folder("saved"));
  const std::vector<std::string> steps = {"query-migrate-capabilities", "getfd", "migrate-incoming"};
  run_table("restore", steps, [&](const std::string& step, const std::string& action) -> std::optional<std::string> {
    set_words({step + "=" + action});
    try {
      back->start(true, call_for(action));
      return "it succeeded";
    } catch (const Error& error) {
      if (error.message().find("Cannot start VM 'back'") == std::string::npos) return error.message();
    }
    if (back->status(limit).state != VmState::created) return "it is not created";
    if (!back->pids().empty()) return "a process remains";
    expect_nothing_runs();
    return std::nullopt;
  });
  set_words({});
  back->start(limit);
  EXPECT_EQ(back->status(limit).state, VmState::running);
  back->stop({.force = true}, limit);
}

}  // namespace
}  // namespace visor::sdk
