// SPDX-License-Identifier: Apache-2.0
#include "random_config.hpp"

#include "visor/core/error.hpp"

#include <array>
#include <map>

namespace visor::testing {
namespace {

/// Texts that a careless writer or reader of YAML or JSON would get wrong, and ordinary ones.
constexpr std::array texts = {"plain", "two words", "true",    "no", "null", "~",         "010",   "1e3",  "0x1f",
                              "a: b",  "- a",       "# c",     "{a", "[b]",  "'q'",       "\"q\"", "a\\b", "%x",
                              "@x",    "`x",        "*x",      "&x", "!x",   "|",         ">",     "ü€😀", "a,b=c,,d",
                              " lead", "trail ",    "${HOME}", "..", "x#y",  "key=value", "<<",    "?",    ":"};

/// Fields whose form the rules of their device narrow down.
const std::map<std::string_view, std::vector<std::string>> narrow = {
    {"mac", {"", "02:00:00:00:00:01", "52:54:00:Ab:cD:ef"}},
    {"host", {"", "0000:01:00.0", "3b:1f.7"}},
    {"tag", {"", "share", "31-characters-are-the-longest-tag"}},
    {"serial", {"", "WD-1234"}},
    {"interface", {"", "tap0", "a12345678901234"}},
    {"socket", {"", "/run/x.sock"}},
};

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : engine_{seed} {}

  std::uint64_t number(std::uint64_t lowest, std::uint64_t highest) {
    if (chance(3)) return chance(2) ? lowest : highest;
    return std::uniform_int_distribution<std::uint64_t>{lowest, highest}(engine_);
  }
  bool chance(unsigned one_in) { return std::uniform_int_distribution<unsigned>{1, one_in}(engine_) == 1; }
  template <class List>
  auto pick(const List& list) {
    return list[std::uniform_int_distribution<std::size_t>{0, list.size() - 1}(engine_)];
  }

  void fill(const Section& table, void* object) {
    for (const auto& field : table.fields) {
      if (!field.required && chance(2)) continue;
      if (field.kind == FieldKind::section) {
        fill(*field.section, field.member(object));
      } else if (field.kind == FieldKind::sections) {
        for (auto count = number(0, 3); count > 0; --count) fill(*field.section, field.member(object));
      } else if (field.kind == FieldKind::devices) {
        auto& devices = *static_cast<std::vector<DeviceConfig>*>(field.member(object));
        for (auto count = number(0, 20); count > 0; --count) devices.push_back(device());
      } else {
        field.set(object, value(field));
      }
    }
  }

 private:
  /// Tries until the rules of the device's type are content, which a tenth of all tries or more are.
  DeviceConfig device() {
    for (;;) {
      const auto index = number(0, device_sections().size() - 1);
      auto made = make(index, std::make_index_sequence<std::variant_size_v<DeviceVariant>>{});
      std::visit([&](auto& one) { fill(device_sections()[index], &one); }, made);
      try {
        check_fields(made);
        return made;
      } catch (const Error&) {
        continue;
      }
    }
  }

  template <std::size_t... Index>
  static DeviceConfig make(std::size_t index, std::index_sequence<Index...>) {
    DeviceConfig made;
    static_cast<void>(((index == Index ? (made.emplace<Index>(), true) : false) || ...));
    return made;
  }

  Value list(Value (Generator::*item)()) {
    auto made = Value::list();
    for (auto count = number(0, 3); count > 0; --count) made.push_back((this->*item)());
    return made;
  }
  Value text() { return Value{pick(texts)}; }
  Value document() { return Value{std::string{pick(texts)} + "\n\t" + std::string{pick(texts)} + "\r\n\n"}; }
  Value path() { return Value{"/" + std::string{pick(texts)}}; }
  Value param() { return Value{chance(3) ? "key" : "key.x=" + std::string{pick(std::array{"1", "a b", "c=d", "ü"})}}; }
  Value properties() {
    return Value::map({{"a", text()},
                       {"n", number(0, UINT64_MAX)},
                       {"i", -5},
                       {"list", list(&Generator::text)},
                       {"map", Value::map({{"b", true}, {"f", 1.5}, {"nothing", Value{}}})}});
  }

  Value value(const Field& field) {
    if (const auto found = narrow.find(field.key); found != narrow.end()) return Value{pick(found->second)};
    switch (field.kind) {
      case FieldKind::boolean:
        return Value{chance(2)};
      case FieldKind::integer:
        if (field.key.ends_with("block_size_bytes")) return Value{512U << number(0, 7)};
        return Value{number(field.min, field.max)};
      case FieldKind::size:
        return Value{std::to_string(number(field.min, field.max)) + "MiB"};
      case FieldKind::identifier:
        return Value{"id" + std::to_string(number(0, 1000)) + "._-"};
      case FieldKind::path:
        return path();
      case FieldKind::document:
        return document();
      case FieldKind::choice:
        return Value{pick(field.choices)};
      case FieldKind::texts:
        return list(&Generator::text);
      case FieldKind::paths:
        return list(&Generator::path);
      case FieldKind::params:
        return list(&Generator::param);
      case FieldKind::properties:
        return properties();
      default:
        return text();
    }
  }

  std::mt19937 engine_;
};

}  // namespace

VmConfig random_config(std::uint32_t seed) {
  VmConfig config;
  Generator{seed}.fill(vm_config_section(), &config);
  return config;
}

}  // namespace visor::testing
