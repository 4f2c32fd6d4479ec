// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace visor::sdk::qmp {
namespace {

constexpr std::size_t kept_capacity = 16U << 10U;  // a buffer grown beyond it is given back after its object

bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// Text of a peer for a message: printable, and not much of it.
std::string excerpt(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, 40)) shown += c >= ' ' && c <= '~' ? c : '?';
  return "\"" + shown + (text.size() > 40 ? "…\"" : "\"");
}

/// Moves a member out of an object that belongs to the caller; find() only shows it.
Value take(const Value& member) { return std::move(const_cast<Value&>(member)); }

std::string text_of(const Value* value) { return value && value->is_string() ? value->as_string() : std::string{}; }

std::optional<std::uint64_t> uint_of(const Value* value) {
  if (!value || value->kind() != Value::Kind::integer || value->as_number() < 0) return std::nullopt;
  return value->as_uint();
}

std::uint32_t version_part(const Value& numbers, std::string_view key) {
  const auto part = uint_of(numbers.find(key)).value_or(0);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(part, std::numeric_limits<std::uint32_t>::max()));
}

Message greeting_of(const Value& body) {
  Greeting greeting;
  const auto* const version = body.find("version");
  const auto* const numbers = version ? version->find("qemu") : nullptr;
  if (!numbers || !numbers->is_map()) return UnknownObject{};
  greeting.version = {version_part(*numbers, "major"), version_part(*numbers, "minor"), version_part(*numbers, "micro"),
                      text_of(version->find("package"))};
  const auto* const capabilities = body.find("capabilities");
  if (capabilities && capabilities->is_list()) {
    for (const auto& item : capabilities->as_list()) {
      if (item.is_string()) greeting.capabilities.push_back(item.as_string());
    }
  }
  return greeting;
}

/// QEMU sends -1 seconds when its own clock failed; the moment of arrival is the next best then.
void set_time(Event& event, const Value* stamp) {
  constexpr std::uint64_t latest = 9'000'000'000;  // the year 2255: the clock counts nanoseconds in 63 bits
  const auto seconds = stamp ? uint_of(stamp->find("seconds")) : std::nullopt;
  event.time_known = seconds && *seconds <= latest;
  if (!event.time_known) {
    event.time = std::chrono::system_clock::now();
    return;
  }
  const auto micros = std::min<std::uint64_t>(uint_of(stamp->find("microseconds")).value_or(0), 999'999);
  event.time =
      std::chrono::system_clock::time_point{std::chrono::seconds{*seconds} + std::chrono::microseconds{micros}};
}

Message event_of(const Value& name, const Value& object) {
  if (!name.is_string()) return UnknownObject{};
  Event event;
  event.name = name.as_string();
  set_time(event, object.find("timestamp"));
  if (const auto* const data = object.find("data")) event.data = take(*data);
  return event;
}

Message reply_of(const Value& object, const Value* value, const Value* error) {
  Reply reply;
  const auto* const id = object.find("id");
  reply.has_id = id != nullptr;
  reply.id = uint_of(id);
  if (value) {
    reply.value = take(*value);
    return reply;
  }
  reply.is_error = true;
  reply.class_name = text_of(error->find("class"));
  reply.error_class = error_class_of(reply.class_name);
  reply.description = text_of(error->find("desc"));
  return reply;
}

}  // namespace

bool Greeting::offers(std::string_view capability) const noexcept {
  return std::find(capabilities.begin(), capabilities.end(), capability) != capabilities.end();
}

Message classify(Value&& object) {
  const auto* const greeting = object.find("QMP");
  const auto* const value = object.find("return");
  const auto* const error = object.find("error");
  const auto* const event = object.find("event");
  if ((greeting != nullptr) + (value != nullptr) + (error != nullptr) + (event != nullptr) != 1) return UnknownObject{};
  if (greeting) return greeting_of(*greeting);
  if (event) return event_of(*event, object);
  return reply_of(object, value, error);
}

std::string encode(std::string_view name, const Value& arguments, bool out_of_band, std::uint64_t id) {
  std::string line = out_of_band ? R"({"exec-oob":)" : R"({"execute":)";
  line += to_json(name);
  if (!arguments.is_null()) line.append(R"(,"arguments":)").append(to_json(arguments));
  line.append(R"(,"id":)").append(std::to_string(id)).append("}\n");
  return line;
}

Splitter::Scan Splitter::scan(char c) noexcept {
  if (in_string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    }
    return Scan::more;
  }
  if (c == '"') {
    in_string_ = true;
  } else if (c == '{' || c == '[') {
    if (++depth_ > max_json_depth) return Scan::too_deep;
  } else if (c == '}' || c == ']') {
    if (--depth_ == 0) return Scan::complete;
  }
  return Scan::more;
}

std::optional<std::string> Splitter::keep(std::string_view rest) {
  if (rest.size() > max_bytes_ - buffer_.size()) {
    return "it sent a message longer than the limit of " + std::to_string(max_bytes_) + " bytes";
  }
  buffer_ += rest;
  return std::nullopt;
}

std::optional<std::string> Splitter::feed(std::string_view bytes, const std::function<bool(std::string_view)>& sink) {
  std::size_t start = 0;  // of the present object's part within `bytes`
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (depth_ == 0) {
      start = at;
      if (is_space(c)) continue;
      if (c != '{') return "it sent something that is no JSON object: " + excerpt(bytes.substr(at));
    }
    const auto result = scan(c);
    if (result == Scan::too_deep) return "it sent a message nested deeper than " + std::to_string(max_json_depth);
    if (result != Scan::complete) continue;
    const auto part = bytes.substr(start, at + 1 - start);
    if (buffer_.empty()) {
      if (part.size() > max_bytes_) return keep(part);
      if (!sink(part)) return std::nullopt;
      continue;
    }
    if (auto problem = keep(part)) return problem;
    auto object = std::exchange(buffer_, {});
    const bool go_on = sink(object);
    if (object.capacity() <= kept_capacity) {
      object.clear();
      buffer_ = std::move(object);
    }
    if (!go_on) return std::nullopt;
  }
  return depth_ == 0 ? std::nullopt : keep(bytes.substr(start));
}

std::optional<std::string> Decoder::feed(std::string_view bytes, const std::function<bool(Message&&)>& sink) {
  std::optional<std::string> problem;
  auto cut = splitter_.feed(bytes, [&](std::string_view text) {
    try {
      message_bytes_ = text.size();
      return sink(classify(parse_json(text)));
    } catch (const Error& error) {
      problem = "it sent invalid JSON: " + excerpt(text) + ": " + error.message();
      return false;
    }
  });
  return problem ? problem : cut;
}

}  // namespace visor::sdk::qmp
