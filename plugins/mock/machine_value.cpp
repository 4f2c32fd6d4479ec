// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"
#include "visor/core/error.hpp"

#include <utility>

namespace visor::mock {
namespace {

using WallTime = std::chrono::system_clock::time_point;

// JSON text is UTF-8 and a console is bytes: each byte travels as the character of its number.
Value bytes_value(std::string_view bytes) {
  std::string text;
  for (const auto byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x80) {
      text += byte;
    } else {
      text += static_cast<char>(0xc0 | (code >> 6));
      text += static_cast<char>(0x80 | (code & 0x3f));
    }
  }
  return text;
}

std::string bytes_from(const Value& value) {
  const auto& text = value.as_string();
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = static_cast<unsigned char>(text[i]);
    if (code < 0x80) {
      bytes += text[i];
    } else if (i + 1 < text.size()) {
      bytes += static_cast<char>(((code & 0x03) << 6) | (static_cast<unsigned char>(text[++i]) & 0x3f));
    }
  }
  return bytes;
}

Value time_value(WallTime time) { return time.time_since_epoch().count(); }
WallTime time_from(const Value& value) { return WallTime{WallTime::duration{value.as_int()}}; }

template <class Integer>
Integer small(const Value& value) {
  const auto number = value.as_uint();
  if (!std::in_range<Integer>(number)) throw Error(Errc::invalid_config, "A number in the mock's record is too large");
  return static_cast<Integer>(number);
}

template <class Range, class Convert>
Value list_value(const Range& range, Convert convert) {
  Value::List list;
  for (const auto& item : range) list.push_back(convert(item));
  return list;
}

Value optional_value(const std::optional<int>& number) { return number ? Value{*number} : Value{}; }
std::optional<int> optional_from(const Value& value) {
  if (value.is_null()) return std::nullopt;
  return small<int>(value);
}

Value exit_value(const std::optional<ExitRecord>& exit) {
  if (!exit) return {};
  return Value::map({{"cause", static_cast<int>(exit->cause)},
                     {"code", optional_value(exit->code)},
                     {"signal", optional_value(exit->signal)},
                     {"last_event", exit->last_event},
                     {"stderr_tail", exit->stderr_tail},
                     {"text", exit->text},
                     {"time", time_value(exit->time)}});
}

std::optional<ExitRecord> exit_from(const Value& value) {
  if (value.is_null()) return std::nullopt;
  ExitRecord exit;
  exit.cause = static_cast<ExitCause>(small<std::uint8_t>(value.at("cause")));
  exit.code = optional_from(value.at("code"));
  exit.signal = optional_from(value.at("signal"));
  exit.last_event = value.at("last_event").as_string();
  exit.stderr_tail = value.at("stderr_tail").as_string();
  exit.text = value.at("text").as_string();
  exit.time = time_from(value.at("time"));
  return exit;
}

Value effect_value(const Effect& effect) {
  return Value::map({{"kind", static_cast<int>(effect.kind)}, {"at", effect.at.count()}, {"device", effect.device}});
}

Effect effect_from(const Value& value) {
  const auto kind = small<std::uint8_t>(value.at("kind"));
  if (kind > static_cast<std::uint8_t>(EffectKind::unplug_refused)) {
    throw Error(Errc::invalid_config, "Unknown effect in the mock's record");
  }
  return {static_cast<EffectKind>(kind), Nanoseconds{value.at("at").as_int()}, value.at("device").as_string()};
}

Value slot_value(const Slot& slot) {
  return Value::map({{"device", slot.device}, {"kind", slot.kind}, {"number", slot.number}});
}

Slot slot_from(const Value& value) {
  return {value.at("device").as_string(), value.at("kind").as_string(), small<std::uint32_t>(value.at("number"))};
}

// Events are most of a record: each is a list, and its name follows from its kind.
Value event_value(const Event& event) {
  return Value::list({event.sequence, static_cast<std::uint32_t>(event.kind), time_value(event.time), event.data});
}

Event event_from(const Value& value) {
  const auto& parts = value.as_list();
  if (parts.size() != 4) throw Error(Errc::invalid_config, "An event in the mock's record has not four parts");
  const auto kind = static_cast<EventKind>(small<std::uint32_t>(parts[1]));
  return {kind, std::string{to_string(kind)}, parts[3], time_from(parts[2]), parts[0].as_uint()};
}

Value journal_value(const Journal& journal) {
  return Value::map({{"next", journal.next}, {"entries", list_value(journal.entries, event_value)}});
}

Journal journal_from(const Value& value) {
  Journal journal;
  journal.next = value.at("next").as_uint();
  for (const auto& entry : value.at("entries").as_list()) journal.entries.push_back(event_from(entry));
  return journal;
}

Value console_value(const ConsoleText& console) {
  return Value::map(
      {{"dropped", console.dropped}, {"text", bytes_value(console.text)}, {"input", bytes_value(console.input)}});
}

ConsoleText console_from(const Value& value) {
  return {value.at("dropped").as_uint(), bytes_from(value.at("text")), bytes_from(value.at("input"))};
}

Options options_from(const Value& value) {
  std::vector<std::string> texts;
  for (const auto& text : value.as_list()) texts.push_back(text.as_string());
  return parse_options(deserialize_params(texts));
}

}  // namespace

Value machine_blob(const Machine& machine) {
  const auto number = [](auto value) { return Value{value}; };
  return Value::map({{"state", to_string(machine.state)},
                     {"detail", machine.detail},
                     {"panicked", machine.panicked},
                     {"ready", machine.ready},
                     {"silent", machine.silent},
                     {"exit", exit_value(machine.exit)},
                     {"ran", machine.ran.count()},
                     {"running_since", machine.running_since.count()},
                     {"effects", list_value(machine.effects, effect_value)},
                     {"slots", list_value(machine.slots, slot_value)},
                     {"memory_mib", list_value(machine.memory_mib, number)},
                     {"vcpus", list_value(machine.vcpus, number)},
                     {"next_vcpu", machine.next_vcpu},
                     {"next_device", machine.next_device},
                     {"console", console_value(machine.console)},
                     {"journal", journal_value(machine.journal)},
                     {"creator", Value::list({machine.creator.pid, machine.creator.start_time})},
                     {"options", list_value(serialize_params(machine.options.texts, "="),
                                            [](const std::string& text) { return Value{text}; })}});
}

Machine machine_from_record(VmRecord record) {
  Machine machine;
  const auto& blob = record.blob;
  machine.state = vm_state_from_string(blob.at("state").as_string());
  machine.detail = blob.at("detail").as_string();
  machine.panicked = blob.at("panicked").as_bool();
  machine.ready = blob.at("ready").as_bool();
  machine.silent = blob.at("silent").as_bool();
  machine.exit = exit_from(blob.at("exit"));
  machine.ran = Nanoseconds{blob.at("ran").as_int()};
  machine.running_since = Nanoseconds{blob.at("running_since").as_int()};
  for (const auto& effect : blob.at("effects").as_list()) machine.effects.push_back(effect_from(effect));
  for (const auto& slot : blob.at("slots").as_list()) machine.slots.push_back(slot_from(slot));
  for (const auto& size : blob.at("memory_mib").as_list()) machine.memory_mib.push_back(size.as_uint());
  for (const auto& number : blob.at("vcpus").as_list()) machine.vcpus.push_back(small<std::uint32_t>(number));
  machine.next_vcpu = small<std::uint32_t>(blob.at("next_vcpu"));
  machine.next_device = small<std::uint32_t>(blob.at("next_device"));
  machine.console = console_from(blob.at("console"));
  machine.journal = journal_from(blob.at("journal"));
  const auto& creator = blob.at("creator").as_list();
  if (creator.size() != 2) throw Error(Errc::invalid_config, "The creator in the mock's record is no pair");
  machine.creator = {small<std::int32_t>(creator[0]), creator[1].as_uint()};
  machine.options = options_from(blob.at("options"));
  machine.record = std::move(record);
  machine.record.blob = {};
  return machine;
}

}  // namespace visor::mock
