// SPDX-License-Identifier: Apache-2.0
// A script out of a file: what each key of a step means.
#include "script_fields.hpp"
#include "script_text.hpp"
#include "visor/core/error.hpp"
#include "visor/testing/qmp_script.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

namespace visor::testing {
namespace {

constexpr std::uint64_t max_delay_ms = 600'000;
constexpr std::uint64_t max_times = 1'000'000;
constexpr std::uint64_t max_piece = std::uint64_t{16} << 20U;
constexpr auto any_seed = std::numeric_limits<std::uint64_t>::max();

}  // namespace

class QmpScript::Loader {
 public:
  explicit Loader(std::string_view name) : name_{name} {}

  QmpScript script(const Value& document) {
    Fields fields{document, name_, "a script"};
    seed_ = fields.number("seed", 1, 0, any_seed);
    const auto* const steps = fields.take("steps");
    fields.refuse_rest();
    if (steps == nullptr) fields.fail(document, "A script must have 'steps'");
    return this->steps(*steps, "steps");
  }

 private:
  using Handler = void (Loader::*)(QmpScript& script, const Value& value, Fields& fields);
  struct Kind {
    std::string_view key;
    Handler handler;
  };
  static const std::array<Kind, 18> kinds;

  [[noreturn]] void fail(const Value& where, const std::string& what) const { fail_at(name_, where.mark(), what); }

  QmpScript steps(const Value& list, std::string_view key) {
    QmpScript script;
    auto end = End::none;
    for (const auto& one : need_list(list, key, name_)) {
      refuse_after(end, one);
      step(script, one);
      end = std::max(end, end_of(one));
    }
    return script;
  }

  /// What a step has ended: nothing, the connection, or all.
  enum class End { none, connection, all };

  static End end_of(const Value& step) {
    if (!step.is_map()) return End::none;
    if (step.find("exit") != nullptr) return End::all;
    if (const auto* const how = step.find("end")) return *how == Value{"freeze"} ? End::all : End::connection;
    const auto* const then = step.find("expect") != nullptr ? step.find("then") : nullptr;
    auto end = End::none;
    for (const auto& one : then != nullptr ? then->as_list() : Value::List{}) end = std::max(end, end_of(one));
    return end;
  }

  void refuse_after(End end, const Value& next) const {
    if (end == End::none) return;
    if (end == End::all) fail(next, "Nothing can follow 'exit' or 'end: freeze'");
    constexpr std::array without_client = {"delay", "gate", "stderr", "exit"};
    const bool fits = next.is_map() &&
                      std::ranges::any_of(without_client, [&](const auto* key) { return next.find(key) != nullptr; });
    if (!fits) fail(next, "Nothing can follow 'end' but delay, gate, stderr and exit");
  }

  [[nodiscard]] static std::string known_kinds() {
    std::string names;
    for (const auto& kind : kinds) names += (names.empty() ? "" : ", ") + std::string{kind.key};
    return names;
  }

  void step(QmpScript& script, const Value& one) {
    if (one.is_string()) {  // a step that says nothing more
      auto alone = Value::map();
      Value nothing;
      nothing.set_mark(one.mark());
      alone.set(one.as_string(), nothing);
      alone.set_mark(one.mark());
      return step(script, alone);
    }
    Fields fields{one, name_, "a step"};
    // The first kind that is there: an exchange has 'expect' and 'reply'.
    const auto found = std::ranges::find_if(kinds, [&](const Kind& kind) { return one.find(kind.key) != nullptr; });
    if (found == kinds.end()) {
      const auto& where = one.as_map().empty() ? one : one.as_map().front().second;
      fail(where, "This is no step: one of " + known_kinds());
    }
    const auto what = "a step '" + std::string{found->key} + "'";
    Fields named{one, name_, what};
    const auto before = script.size();
    (this->*found->handler)(script, *named.take(found->key), named);
    named.refuse_rest();
    tell_place(script, before, one.mark());
  }

  /// Gives the steps from there on a place that have none.
  void tell_place(QmpScript& script, std::size_t from, Mark mark) const {
    const auto place = std::string{name_} + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
    for (; from < script.size(); ++from) {
      if (script.steps_[from].place.empty()) script.steps_[from].place = place;
    }
  }

  void need_nothing(const Value& value, std::string_view key) const {
    if (!value.is_null()) fail(value, "'" + std::string{key} + "' takes no value: write the word alone");
  }

  void greet(QmpScript& script, const Value& value, Fields&) {
    FakeGreeting greeting;
    if (!value.is_null()) {
      constexpr auto most = std::numeric_limits<std::uint32_t>::max();
      Fields fields{value, name_, "a greeting"};
      greeting.major = static_cast<std::uint32_t>(fields.number("major", greeting.major, 0, most));
      greeting.minor = static_cast<std::uint32_t>(fields.number("minor", greeting.minor, 0, most));
      greeting.micro = static_cast<std::uint32_t>(fields.number("micro", greeting.micro, 0, most));
      greeting.package = fields.text("package", greeting.package);
      if (const auto* const offered = fields.take("capabilities")) {
        greeting.capabilities.clear();
        for (const auto& one : need_list(*offered, "capabilities", name_)) {
          greeting.capabilities.push_back(need_text(one, "capabilities", name_));
        }
      }
      fields.refuse_rest();
    }
    script.greet(greeting);
  }

  void negotiate(QmpScript& script, const Value& value, Fields&) {
    need_nothing(value, "negotiate");
    script.negotiate();
  }

  QmpScript::Exchange exchange(const Value& value, Fields& fields) {
    QmpScript::Exchange exchange{need_text(value, "expect", name_)};
    const auto* const exact = fields.take("arguments");
    const auto* const subset = fields.take("subset");
    if (exact != nullptr && subset != nullptr) fail(*subset, "'arguments' and 'subset' exclude each other");
    if (exact != nullptr) exchange.match = QmpScript::Match::exact;
    if (exact != nullptr) exchange.arguments = need_map(*exact, "arguments", name_);
    if (subset != nullptr) exchange.match = QmpScript::Match::subset;
    if (subset != nullptr) exchange.arguments = need_map(*subset, "subset", name_);
    const auto* const value_of_reply = fields.take("reply");
    const auto* const text = fields.take("error");
    if (value_of_reply != nullptr && text != nullptr) fail(*text, "'reply' and 'error' exclude each other");
    if (value_of_reply != nullptr) exchange.then.reply(value_or_map(*value_of_reply));
    if (text != nullptr) {
      exchange.then.fail(fields.text("class", "GenericError"), need_text(*text, "error", name_));
    }
    if (const auto* const then = fields.take("then")) exchange.then.append(steps(*then, "then"));
    tell_place(exchange.then, 0, value.mark());
    return exchange;
  }

  static Value value_or_map(const Value& value) { return value.is_null() ? Value::map() : value; }

  void expect(QmpScript& script, const Value& value, Fields& fields) {
    auto one = exchange(value, fields);
    script.expect(std::move(one.command), one.match, std::move(one.arguments));
    script.append(one.then);
  }

  std::vector<QmpScript::Exchange> exchanges(const Value& list, std::string_view key) {
    std::vector<QmpScript::Exchange> all;
    for (const auto& one : need_list(list, key, name_)) {
      Fields fields{one, name_, "an exchange"};
      const auto* const command = fields.take("expect");
      if (command == nullptr) fail(one, "An exchange must have 'expect'");
      all.push_back(exchange(*command, fields));
      fields.refuse_rest();
    }
    return all;
  }

  void any_order(QmpScript& script, const Value& value, Fields&) { script.any_order(exchanges(value, "any_order")); }

  void serve(QmpScript& script, const Value& value, Fields& fields) {
    auto all = exchanges(value, "serve");
    const auto* const last = fields.take("until");
    const auto until = last == nullptr ? std::string{} : need_text(*last, "until", name_);
    if (last != nullptr && std::ranges::find(all, until, &QmpScript::Exchange::command) == all.end()) {
      fail(*last, "'until' names no command of this 'serve'");
    }
    script.serve_any(std::move(all), until);
  }

  void reply(QmpScript& script, const Value& value, Fields& fields) {
    script.reply(value_or_map(value), fields.number("before", 0, 0, max_times));
  }

  void error(QmpScript& script, const Value& value, Fields& fields) {
    script.fail(fields.text("class", "GenericError"), need_text(value, "error", name_),
                fields.number("before", 0, 0, max_times));
  }

  void event(QmpScript& script, const Value& value, Fields& fields) {
    FakeTime time;
    if (const auto* const given = fields.take("time")) {
      constexpr std::uint64_t most_seconds = std::numeric_limits<std::int64_t>::max();
      Fields stamp{*given, name_, "a time"};
      time.seconds = static_cast<std::int64_t>(stamp.number("seconds", 0, 0, most_seconds));
      time.microseconds = static_cast<std::int64_t>(stamp.number("microseconds", 0, 0, 999'999));
      stamp.refuse_rest();
    }
    const auto* const data = fields.take("data");
    script.event(need_text(value, "event", name_), data == nullptr ? Value{} : need_map(*data, "data", name_), time);
  }

  void raw(QmpScript& script, const Value& value, Fields&) { script.raw(need_text(value, "raw", name_)); }

  void hex(QmpScript& script, const Value& value, Fields&) {
    auto digits = need_text(value, "hex", name_);
    std::erase(digits, ' ');
    std::string bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
      unsigned byte = 0;
      const auto* const end = digits.data() + i + 2;
      if (std::from_chars(digits.data() + i, end, byte, 16).ptr != end) break;
      bytes.push_back(static_cast<char>(byte));
    }
    if (bytes.size() * 2 != digits.size()) fail_value(value, "hex", name_, "pairs of hexadecimal digits");
    script.raw(bytes);
  }

  void split(QmpScript& script, const Value& value, Fields& fields) {
    if (value == Value{"random"}) {
      script.split_random(seed_++, fields.number("largest", 64, 1, max_piece));
    } else if (value == Value{"off"}) {
      script.split(0);
    } else if (value.kind() != Value::Kind::integer) {
      fail_value(value, "split", name_, "a number of bytes, random or off");
    } else {
      script.split(need_number(value, "split", name_, 1, max_piece));
    }
  }

  void glue(QmpScript& script, const Value& value, Fields&) { script.glue().append(steps(value, "glue")).unglue(); }

  void delay(QmpScript& script, const Value& value, Fields&) {
    const std::string_view text = value.is_string() ? std::string_view{value.as_string()} : std::string_view{};
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (problem != std::errc{} || (unit != "ms" && unit != "s") || number > max_delay_ms / (unit == "s" ? 1000 : 1)) {
      fail_value(value, "delay", name_, "a time of 600s at most, in ms or s");
    }
    script.delay(std::chrono::milliseconds{number * (unit == "s" ? 1000 : 1)});
  }

  void gate(QmpScript& script, const Value& value, Fields&) { script.pause(need_text(value, "gate", name_)); }

  void repeat(QmpScript& script, const Value& value, Fields& fields) {
    const auto* const list = fields.take("steps");
    if (list == nullptr) fail(value, "'repeat' needs 'steps'");
    script.repeat(need_number(value, "repeat", name_, 0, max_times), steps(*list, "steps"));
  }

  void end(QmpScript& script, const Value& value, Fields&) {
    const auto& how = need_text(value, "end", name_);
    if (how == "silence") {
      script.silence();
    } else if (how == "freeze") {
      script.freeze();
    } else if (how == "close") {
      script.close();
    } else if (how == "client") {
      script.expect_end();
    } else {
      fail_value(value, "end", name_, "client, close, silence or freeze");
    }
  }

  void write_stderr(QmpScript& script, const Value& value, Fields&) {
    script.write_stderr(need_text(value, "stderr", name_));
  }

  void exit(QmpScript& script, const Value& value, Fields&) {
    script.exit(static_cast<int>(need_number(value, "exit", name_, 0, 255)));
  }

  std::string_view name_;
  std::uint64_t seed_ = 1;
};

const std::array<QmpScript::Loader::Kind, 18> QmpScript::Loader::kinds{{{"greet", &Loader::greet},
                                                                        {"negotiate", &Loader::negotiate},
                                                                        {"expect", &Loader::expect},
                                                                        {"reply", &Loader::reply},
                                                                        {"error", &Loader::error},
                                                                        {"event", &Loader::event},
                                                                        {"any_order", &Loader::any_order},
                                                                        {"serve", &Loader::serve},
                                                                        {"repeat", &Loader::repeat},
                                                                        {"raw", &Loader::raw},
                                                                        {"hex", &Loader::hex},
                                                                        {"split", &Loader::split},
                                                                        {"glue", &Loader::glue},
                                                                        {"delay", &Loader::delay},
                                                                        {"gate", &Loader::gate},
                                                                        {"stderr", &Loader::write_stderr},
                                                                        {"exit", &Loader::exit},
                                                                        {"end", &Loader::end}}};

QmpScript QmpScript::from_yaml(std::string_view text, std::string_view name) {
  return Loader{name}.script(parse_script_text(text, name));
}

QmpScript QmpScript::load(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) throw system_error("Cannot read the script " + path.string(), errno != 0 ? errno : EIO);
  return from_yaml(text.str(), path.string());
}

}  // namespace visor::testing
