// SPDX-License-Identifier: Apache-2.0
#include "visor/core/json.hpp"

#include "visor/core/error.hpp"

#include <nlohmann/json.hpp>

#include <utility>
#include <vector>

namespace visor {
namespace {

using Json = nlohmann::ordered_json;

Json to_nlohmann(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::boolean:
      return value.as_bool();
    case Value::Kind::integer:
      return value.as_number() < 0 ? Json(value.as_int()) : Json(value.as_uint());
    case Value::Kind::number:
      return value.as_number();
    case Value::Kind::string:
      return value.as_string();
    case Value::Kind::list: {
      auto list = Json::array();
      for (const auto& item : value.as_list()) list.push_back(to_nlohmann(item));
      return list;
    }
    case Value::Kind::map: {
      auto map = Json::object();
      for (const auto& [key, member] : value.as_map()) map[key] = to_nlohmann(member);
      return map;
    }
  }
  return nullptr;
}

/// Builds a Value from nlohmann's events, so that its own tree (and its recursion) is never made.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return add(Value{}); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Value::map()); }
  bool key(string_t& key) override {
    keys_.back() = std::move(key);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Value::list()); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    // The library's text is "[json.exception.parse_error.101] parse error at …: what"; the part after the bracket
    // reads.
    const std::string_view text = error.what();
    const auto bracket = text.find("] ");
    error_ = "Invalid JSON at byte " + std::to_string(position) + ": " +
             std::string{bracket == std::string_view::npos ? text : text.substr(bracket + 2)};
    return false;
  }

  Value result() && { return std::move(result_); }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  bool add(Value value) {
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().is_map()) {
      open_.back().set(keys_.back(), std::move(value));
    } else {
      open_.back().push_back(std::move(value));
    }
    return true;
  }
  bool open(Value container) {
    if (open_.size() >= max_json_depth) {
      error_ = "Invalid JSON: nested deeper than " + std::to_string(max_json_depth) + " levels";
      return false;
    }
    open_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    Value done = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    return add(std::move(done));
  }

  std::vector<Value> open_;
  std::vector<std::string> keys_;
  Value result_;
  std::string error_;
};

}  // namespace

std::string to_json(const Value& value, int indent) {
  return to_nlohmann(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

Value parse_json(std::string_view text) {
  Builder builder;
  if (!Json::sax_parse(text, &builder)) {
    throw Error(Errc::invalid_config, builder.error().empty() ? "Invalid JSON" : builder.error());
  }
  return std::move(builder).result();
}

std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF && tail(1)) return 2;
  if ((first & 0xF0U) == 0xE0U && tail(1) && tail(2)) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && tail(1) && tail(2) && tail(3)) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

}  // namespace visor
