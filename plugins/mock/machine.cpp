// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace visor::mock {
namespace {

using WallTime = std::chrono::system_clock::time_point;

ExitRecord exit_of(ExitCause cause, std::string text) {
  ExitRecord record;
  record.cause = cause;
  record.text = std::move(text);
  return record;
}

}  // namespace

void ConsoleText::append(std::string_view bytes) {
  text += bytes;
  if (text.size() <= capacity) return;
  const auto excess = text.size() - capacity;
  text.erase(0, excess);
  dropped += excess;
}

void Journal::add(EventKind kind, WallTime time, Value data) {
  if (entries.size() == capacity) entries.pop_front();
  entries.push_back({kind, std::string{to_string(kind)}, std::move(data), time, next++});
}

Nanoseconds Machine::guest_time(const Now& now) const noexcept {
  return state == VmState::running ? ran + (now.steady - running_since) : ran;
}

Nanoseconds Machine::next_due() const noexcept {
  const auto next = std::ranges::min_element(effects, {}, &Effect::at);
  if (state != VmState::running || next == effects.end() || next->at == Effect::never) return Effect::never;
  return running_since + (next->at - ran);
}

bool Machine::advance(const Now& now) {
  const auto events_before = journal.next;
  if (live() && now.rebooted) end(exit_of(ExitCause::unknown, "The host was restarted"), now.wall);
  if (live() && now.creator_gone) end(exit_of(ExitCause::stopped, "The process that created the VM ended"), now.wall);
  bool changed = journal.next != events_before;
  while (state == VmState::running) {
    const auto next = std::ranges::min_element(effects, {}, &Effect::at);
    const auto time = guest_time(now);
    if (next == effects.end() || next->at > time) break;
    const auto effect = std::exchange(*next, {});
    effects.erase(next);
    const auto late = std::chrono::duration_cast<WallTime::duration>(time - effect.at);
    ran = effect.at;  // where the guest's clock stands if this effect stops it
    running_since = now.steady - (time - ran);
    apply(effect, now.wall - late);
    changed = true;
  }
  return changed;
}

void Machine::apply(const Effect& effect, WallTime time) {
  switch (effect.kind) {
    case EffectKind::boot:
      return console.append("mock: VM " + record.id + " booted\n");
    case EffectKind::ready:
      return become_ready(time);
    case EffectKind::poweroff:
      return power_off(time);
    case EffectKind::reset:
      return reset(time);
    case EffectKind::panic:
      return panic(time);
    case EffectKind::silent:
      silent = true;
      return;
    case EffectKind::crash: {
      auto exit_record = exit_of(ExitCause::signal, "The mock hypervisor was killed by signal 9");
      exit_record.signal = SIGKILL;
      return end(std::move(exit_record), time);
    }
    case EffectKind::error: {
      auto exit_record = exit_of(ExitCause::exit_code, "The mock hypervisor ended with exit code 1");
      exit_record.code = 1;
      exit_record.stderr_tail = "mock: error as asked\n";
      return end(std::move(exit_record), time);
    }
    case EffectKind::unplug_gone:
      remove_device(effect.device);
      return journal.add(EventKind::device_removed, time, Value::map({{"device", effect.device}}));
    case EffectKind::unplug_refused:
      return journal.add(EventKind::unplug_refused, time, Value::map({{"device", effect.device}}));
  }
}

void Machine::become_ready(WallTime time) {
  const auto& config = record.config.ready;
  ready = true;
  if (!config.console_line.empty()) console.append(config.console_line + "\n");
  if (!config.port.empty()) {
    journal.add(EventKind::port_opened, time, Value::map({{"port", config.port}, {"open", true}}));
  }
  if (!config.console_line.empty() || !config.port.empty()) journal.add(EventKind::guest_ready, time);
}

void Machine::panic(WallTime time) {
  console.append("Kernel panic - not syncing: mock\n");
  journal.add(EventKind::guest_panicked, time);
  panicked = true;
  if (record.config.policy.on_panic == PanicPolicy::pause) return halt("guest-panicked", time);
  end(exit_of(ExitCause::guest_panic, "The guest panicked"), time);
}

void Machine::reset(WallTime time) {
  journal.add(EventKind::guest_reset, time);
  if (record.config.policy.on_reboot == RebootPolicy::stop) {
    return end(exit_of(ExitCause::guest_reset, "The guest asked for a reset"), time);
  }
  console.append("mock: VM " + record.id + " booted\n");
}

void Machine::power_off(WallTime time) {
  journal.add(EventKind::guest_shutdown, time);
  if (record.config.policy.on_shutdown == ShutdownPolicy::pause) return halt("shutdown", time);
  end(exit_of(ExitCause::guest_shutdown, "The guest powered itself off"), time);
}

void Machine::set_state(VmState next, std::string word, WallTime time) {
  state = next;
  detail = std::move(word);
  journal.add(EventKind::state_changed, time, Value::map({{"state", to_string(next)}}));
}

void Machine::halt(std::string word, WallTime time) { set_state(VmState::paused, std::move(word), time); }

void Machine::end(ExitRecord exit_record, WallTime time) {
  exit_record.time = time;
  if (!journal.entries.empty()) exit_record.last_event = journal.entries.back().name;
  const auto final = final_state(exit_record);
  if (final == VmState::stopped) exit_record.code = 0;
  exit = std::move(exit_record);
  effects.clear();
  silent = false;
  set_state(final, std::string{to_string(final)}, time);
  journal.add(EventKind::exited, time, Value::map({{"cause", to_string(exit->cause)}}));
}

void Machine::start(bool paused, const Now& now) {
  const auto plan = [this](EffectKind kind, const std::optional<std::chrono::milliseconds>& after) {
    if (after) effects.push_back({kind, *after, {}});
  };
  plan(EffectKind::boot, std::chrono::milliseconds{0});
  plan(EffectKind::ready, options.ready_after);
  plan(EffectKind::poweroff, options.exit_after);
  plan(EffectKind::reset, options.reset_after);
  plan(EffectKind::panic, options.panic_after);
  plan(EffectKind::crash, options.crash_after);
  plan(EffectKind::error, options.error_after);
  plan(EffectKind::silent, options.silent_after);
  running_since = now.steady;
  set_state(paused ? VmState::paused : VmState::running, paused ? "paused" : "running", now.wall);
}

void Machine::pause(const Now& now) {
  ran = guest_time(now);
  halt("paused", now.wall);
}

void Machine::resume(const Now& now) {
  if (detail != "paused") {
    throw Error(Errc::invalid_state, "Cannot resume VM " + record.id + " from paused to running: its guest is over (" +
                                         detail + "); stop it");
  }
  running_since = now.steady;
  set_state(VmState::running, "running", now.wall);
  console.append(std::exchange(console.input, {}));
}

void Machine::write_console(std::string_view bytes) {
  if (state == VmState::running) return console.append(bytes);
  console.input += bytes;
}

}  // namespace visor::mock
