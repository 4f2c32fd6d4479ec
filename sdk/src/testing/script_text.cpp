// SPDX-License-Identifier: Apache-2.0
#include "script_text.hpp"

#include "visor/core/error.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <sstream>
#include <vector>

namespace visor::testing {
namespace {

template <class Number>
std::optional<Value> whole_number(std::string_view text, int base) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return Value{number};
}

/// A word without quotes by the core schema of YAML 1.2, less infinity and NaN, which QMP does not have.
Value resolve(const std::string& text) {
  if (text == "true" || text == "false") return Value{text == "true"};
  if (text.find_first_not_of("0123456789+-.eExXabcdfABCDF") != std::string::npos) return Value{text};
  if (text.starts_with("0x")) {
    return whole_number<std::uint64_t>(std::string_view{text}.substr(2), 16).value_or(Value{text});
  }
  if (auto number = whole_number<std::uint64_t>(text, 10)) return *number;
  if (auto number = whole_number<std::int64_t>(text, 10)) return *number;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? Value{number} : Value{text};
}

Mark to_mark(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

/// Builds plain data from the parser's events: its nodes would lose duplicate keys and the places of keys.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(std::string_view name) : name_{name} {}
  Value result() && { return std::move(result_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) fail_at(name_, to_mark(mark), "There is a second document: a file holds one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse(mark, "?", anchor);
    if (expects_key()) fail_at(name_, to_mark(mark), "A key must be a text");
    add(Value{}, to_mark(mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { refuse(mark, "?", anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const bool quoted = tag == "!";
    refuse(mark, quoted ? "?" : tag, anchor);
    if (expects_key()) return take_key(text, to_mark(mark));
    add(quoted ? Value{text} : resolve(text), to_mark(mark));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value::list());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value::map());
  }
  void OnMapEnd() override { close(); }

 private:
  struct Container {
    Value value;
    Mark mark;
    std::optional<std::string> key = {};
    Mark key_mark = {};
  };

  [[nodiscard]] bool expects_key() const { return !open_.empty() && open_.back().value.is_map() && !open_.back().key; }

  void refuse(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != 0) fail_at(name_, to_mark(mark), "Anchors and aliases are not supported: write the value again");
    if (tag.empty() || tag == "?" || tag == "!") return;
    fail_at(name_, to_mark(mark), "The tag '" + tag + "' is not supported: leave it out");
  }

  void take_key(const std::string& text, Mark mark) {
    auto& container = open_.back();
    if (container.value.find(text) != nullptr) fail_at(name_, mark, "The key '" + text + "' is here twice");
    container.key = text;
    container.key_mark = mark;
  }

  void add(Value value, Mark mark) {
    if (open_.empty()) {
      value.set_mark(mark);
      result_ = std::move(value);
    } else if (auto& parent = open_.back(); parent.value.is_map()) {
      value.set_mark(parent.key_mark);
      parent.value.set(*parent.key, std::move(value));
      parent.key.reset();
    } else {
      value.set_mark(mark);
      parent.value.push_back(std::move(value));
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value value) {
    refuse(mark, tag, anchor);
    if (expects_key()) fail_at(name_, to_mark(mark), "A key must be a text, or this bracket is not closed");
    if (open_.size() >= max_script_depth) {
      fail_at(name_, to_mark(mark), "Nested deeper than " + std::to_string(max_script_depth) + " levels");
    }
    open_.push_back({std::move(value), to_mark(mark)});
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.value), done.mark);
  }

  std::string_view name_;
  std::vector<Container> open_;
  int documents_ = 0;
  Value result_;
};

/// yaml-cpp takes 0x04 for the end of the text and would drop what comes after it.
void refuse_control_characters(std::string_view text, std::string_view name) {
  const auto found = std::ranges::find_if(
      text, [](char c) { return (c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == '\x7f'; });
  if (found == text.end()) return;
  const std::string_view before{text.begin(), found};
  const auto line = std::ranges::count(before, '\n') + 1;
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;
  fail_at(name, {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(column)},
          "A control character is not allowed: write it as \"\\xNN\" in double quotes");
}

}  // namespace

void fail_at(std::string_view name, Mark mark, const std::string& what) {
  auto where = std::string{name} + ":";
  if (mark.line != 0) where += std::to_string(mark.line) + ":" + std::to_string(mark.column) + ":";
  throw Error(Errc::invalid_config, where + " " + what);
}

Value parse_script_text(std::string_view text, std::string_view name) {
  if (text.size() > max_script_bytes) fail_at(name, {}, "Longer than 16 MiB");
  refuse_control_characters(text, name);
  Builder builder{name};
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    fail_at(name, to_mark(error.mark), "Cannot read this as YAML: " + error.msg);
  }
  auto result = std::move(builder).result();
  if (result.mark().line == 0) result.set_mark({1, 1});  // an empty text
  return result;
}

}  // namespace visor::testing
