// SPDX-License-Identifier: Apache-2.0
#include "config_yaml.hpp"

#include "config_scalar.hpp"
#include "visor/core/error.hpp"
#include "visor/runtime/config_file.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace visor::detail {
namespace {

/// What all values together may weigh, copies made by aliases included: a file of 1 MiB could name 2^60 of them.
constexpr std::size_t most_weight = std::size_t{32} << 20U;

std::size_t text_weight(std::string_view text) { return 64 + text.size(); }

std::size_t weight_of(const Value& value) {
  std::size_t weight = text_weight(value.is_string() ? std::string_view{value.as_string()} : std::string_view{});
  if (value.kind() == Value::Kind::list) {
    for (const auto& item : value.as_list()) weight += weight_of(item);
  } else if (value.is_map()) {
    for (const auto& [key, member] : value.as_map()) weight += text_weight(key) + weight_of(member);
  }
  return weight;
}

Mark to_mark(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

[[noreturn]] void fail(std::string_view name, Mark mark, const std::string& what) {
  auto where = std::string{name} + ":";
  if (mark.line != 0) where += std::to_string(mark.line) + ":" + std::to_string(mark.column) + ":";
  throw Error(Errc::invalid_config, where + " " + what);
}

/// Builds plain data from the parser's events. Its nodes would lose duplicate keys and the places of keys.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(std::string_view name) : name_{name} {}

  Value result() && { return std::move(result_); }
  /// Where the last text in quotes began. Only it can be one that does not end.
  [[nodiscard]] std::optional<Mark> last_quoted() const { return last_quoted_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) fail(name_, to_mark(mark), "There is a second document: a file holds one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { scalar(Value{}, to_mark(mark), anchor); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const bool quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!quoted && tag != "?") refuse_tag(to_mark(mark), tag);
    if (quoted) last_quoted_ = to_mark(mark);
    if (expects_key()) {
      add_weight(text_weight(text), to_mark(mark));
      open_.back().key = text;
      open_.back().key_mark = to_mark(mark);
      return;
    }
    scalar(quoted ? Value{text} : resolve_scalar(text), to_mark(mark), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) fail(name_, to_mark(mark), "An alias stands inside of what it refers to");
    scalar(found->second, to_mark(mark), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(to_mark(mark), tag, anchor, false);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(to_mark(mark), tag, anchor, true);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Container {
    bool is_map = false;
    Mark mark;
    YAML::anchor_t anchor = 0;
    Value::List list;
    Value::Map map;
    std::optional<std::string> key;
    Mark key_mark;
  };

  [[nodiscard]] bool expects_key() const { return !open_.empty() && open_.back().is_map && !open_.back().key; }

  [[noreturn]] void refuse_tag(Mark mark, const std::string& tag) const {
    fail(name_, mark, "The tag '" + tag + "' is not supported: leave it out");
  }

  void add_weight(std::size_t weight, Mark mark) {
    weight_ += weight;
    if (weight_ > most_weight) fail(name_, mark, "Too many values, counting those that aliases repeat");
  }

  void scalar(Value value, Mark mark, YAML::anchor_t anchor) {
    if (expects_key()) fail(name_, mark, "A key must be a text");
    add_weight(weight_of(value), mark);
    add(std::move(value), mark, anchor);
  }

  /// `value` is weighed already.
  void add(Value value, Mark mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      add_weight(weight_of(value), mark);
      anchors_.insert_or_assign(anchor, value);
    }
    if (open_.empty()) {
      value.set_mark(mark);
      result_ = std::move(value);
    } else if (auto& parent = open_.back(); parent.is_map) {
      value.set_mark(parent.key_mark);
      parent.map.emplace_back(*std::move(parent.key), std::move(value));
      parent.key.reset();
    } else {
      value.set_mark(mark);
      parent.list.push_back(std::move(value));
    }
  }

  void open(Mark mark, const std::string& tag, YAML::anchor_t anchor, bool is_map) {
    if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark, tag);
    // yaml-cpp takes a bracket that is not closed for one that is a key.
    if (expects_key()) fail(name_, mark, "A key must be a text, or this bracket is not closed");
    if (open_.size() >= max_config_depth) {
      fail(name_, mark, "Nested deeper than " + std::to_string(max_config_depth) + " levels");
    }
    add_weight(text_weight({}), mark);
    auto& container = open_.emplace_back();
    container.is_map = is_map;
    container.mark = mark;
    container.anchor = anchor;
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    add(done.is_map ? Value{std::move(done.map)} : Value{std::move(done.list)}, done.mark, done.anchor);
  }

  std::string_view name_;
  std::vector<Container> open_;
  std::map<YAML::anchor_t, Value> anchors_;
  std::size_t weight_ = 0;
  int documents_ = 0;
  std::optional<Mark> last_quoted_;
  Value result_;
};

/// The text from a place on.
std::string_view text_from(std::string_view text, Mark mark) {
  for (auto line = mark.line; line > 1 && !text.empty(); --line) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  return text.substr(std::min<std::size_t>(mark.column - 1, text.size()));
}

/// The tab among the blanks at the beginning of a line, which YAML does not allow and yaml-cpp reports as something
/// else.
std::optional<Mark> indenting_tab(std::string_view text, std::uint32_t line) {
  if (line == 0) return std::nullopt;
  const auto rest = text_from(text, {line, 1});
  const auto tab = rest.substr(0, rest.find_first_not_of(" \t")).find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  return Mark{line, static_cast<std::uint32_t>(tab) + 1};
}

/// Whether the quotes that begin here, perhaps behind an anchor or a tag, end. yaml-cpp takes a line break at the end
/// of the text for their end, so a file that was cut would go unnoticed.
bool is_closed(std::string_view text) {
  while (!text.empty() && (text.front() == '&' || text.front() == '!' || text.front() == '#')) {
    text = text.substr(std::min(text.find_first_of(text.front() == '#' ? "\n" : " \t\r\n"), text.size()));
    text = text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  if (text.empty() || (text.front() != '"' && text.front() != '\'')) return true;
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return true;
      ++i;
    }
  }
  return false;
}

}  // namespace

Value parse_yaml(std::string_view text, std::string_view name) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
  if (const auto problem = find_text_problem(text)) fail(name, problem->mark, problem->text);
  Builder builder{name};
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    const auto mark = to_mark(error.mark);
    if (const auto tab = indenting_tab(text, mark.line)) fail(name, *tab, "A tab in the indentation: use blanks");
    fail(name, mark, "Cannot read this as YAML: " + error.msg);
  }
  if (const auto mark = builder.last_quoted(); mark && !is_closed(text_from(text, *mark))) {
    fail(name, *mark, "The quotes that begin here do not end");
  }
  return std::move(builder).result();
}

}  // namespace visor::detail
