// SPDX-License-Identifier: Apache-2.0
#include "record_codec.hpp"

#include <array>

namespace visor::sdk {
namespace {

constexpr std::array<std::string_view, 4> ended_by_names = {"itself", "owner", "term", "kill"};

EndedBy parse_ended_by(std::string_view text) noexcept {
  for (std::size_t i = 0; i < ended_by_names.size(); ++i) {
    if (ended_by_names[i] == text) return static_cast<EndedBy>(i);
  }
  return EndedBy::itself;
}

}  // namespace

std::string_view to_string(EndedBy ended_by) noexcept {
  const auto index = static_cast<std::size_t>(ended_by);
  return index < ended_by_names.size() ? ended_by_names[index] : "unknown";
}

std::string ExitStatus::text() const {
  switch (kind) {
    case Kind::code:
      return "exit code " + std::to_string(value);
    case Kind::signal:
      return "signal " + std::to_string(value) + (core_dumped ? " (core dumped)" : "");
    case Kind::unknown:
      break;
  }
  return "unknown: keeper died";
}

namespace wire {
namespace {

std::uint64_t take_number(std::string_view& rest) { return parse_number(take_word(rest)).value_or(0); }

}  // namespace

std::string encode_status(const ExitStatus& status) {
  switch (status.kind) {
    case ExitStatus::Kind::code:
      return "code:" + std::to_string(status.value);
    case ExitStatus::Kind::signal:
      return "signal:" + std::to_string(status.value) + (status.core_dumped ? ":core" : "");
    case ExitStatus::Kind::unknown:
      break;
  }
  return "unknown";
}

std::optional<ExitStatus> parse_status(std::string_view text) {
  if (text == "unknown") return ExitStatus{};
  ExitStatus status;
  if (text.starts_with("code:")) {
    status.kind = ExitStatus::Kind::code;
  } else if (text.starts_with("signal:")) {
    status.kind = ExitStatus::Kind::signal;
  } else {
    return std::nullopt;
  }
  text.remove_prefix(text.find(':') + 1);
  if (text.ends_with(":core")) {
    status.core_dumped = true;
    text.remove_suffix(5);
  }
  const auto value = parse_number(text);
  if (!value || *value > 255) return std::nullopt;
  status.value = static_cast<int>(*value);
  return status;
}

std::string encode_identity(const ProcessIdentity& identity) {
  return std::to_string(identity.pid) + ' ' + std::to_string(identity.start_time);
}

ProcessIdentity take_identity(std::string_view& rest) {
  ProcessIdentity identity;
  identity.pid = static_cast<pid_t>(take_number(rest));
  identity.start_time = take_number(rest);
  return identity;
}

std::string encode_helper_exit(const HelperExit& helper) {
  return helper.name + ' ' + encode_identity(helper.identity) + ' ' + encode_status(helper.status) + ' ' +
         std::to_string(helper.time_us) + ' ' + helper.stderr_tail;
}

HelperExit parse_helper_exit(std::string_view text) {
  HelperExit helper;
  helper.name = take_word(text);
  helper.identity = take_identity(text);
  helper.status = parse_status(take_word(text)).value_or(ExitStatus{});
  helper.time_us = take_number(text);
  helper.stderr_tail = text;
  return helper;
}

std::string encode_line(const JournalEntry& entry) {
  return std::to_string(entry.sequence) + ' ' + std::to_string(entry.time_us) + ' ' + entry.source +
         (entry.truncated ? " t " : " - ") + entry.line;
}

JournalEntry parse_line(std::string_view text) {
  JournalEntry entry;
  entry.sequence = take_number(text);
  entry.time_us = take_number(text);
  entry.source = take_word(text);
  entry.truncated = take_word(text) == "t";
  entry.line = text;
  return entry;
}

Message encode_record(const ExitRecord& record) {
  Message message("exited");
  message.add("version", std::uint64_t{1}).add("name", record.name).add("process", encode_identity(record.identity));
  message.add("status", encode_status(record.status)).add("text", record.status.text());
  message.add("time_us", record.time_us).add("ended_by", to_string(record.ended_by)).add("cause", record.cause);
  for (const auto& helper : record.helpers) message.add("helper", encode_helper_exit(helper));
  for (const auto& line : record.last_lines) message.add("line", encode_line(line));
  message.add("stderr", record.stderr_tail);
  return message;
}

std::optional<ExitRecord> parse_record(const Message& message) {
  const auto status = parse_status(message.get("status"));
  if (message.verb() != "exited" || message.number("version") != 1 || !status) return std::nullopt;
  ExitRecord record;
  record.name = message.get("name");
  auto process = message.get("process");
  record.identity = take_identity(process);
  record.status = *status;
  record.time_us = message.number("time_us");
  record.ended_by = parse_ended_by(message.get("ended_by"));
  record.cause = message.get("cause");
  for (const auto text : message.all("helper")) record.helpers.push_back(parse_helper_exit(text));
  for (const auto text : message.all("line")) record.last_lines.push_back(parse_line(text));
  record.stderr_tail = message.get("stderr");
  return record;
}

}  // namespace wire
}  // namespace visor::sdk
