// SPDX-License-Identifier: Apache-2.0
#include "random_config.hpp"
#include "schema_checker.hpp"
#include "support.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/config_file.hpp"

#include <algorithm>

namespace visor {
namespace {

/// A key of a configuration: how to make a file that gives it one value, and nothing else that could be wrong.
struct Place {
  const Field* field;
  std::string path;                   ///< as problems name it
  std::vector<std::string> sections;  ///< the maps around it, from outside
  std::string list;                   ///< the list whose only item has it, or empty
  Value item;                         ///< that item without the key
};

/// Keys that must be there beside the one in question.
Value companions(const Section& table, const Field& field) {
  auto map = Value::map();
  for (const auto& other : table.fields) {
    if (!other.required || other.key == field.key) continue;
    map.set(other.key, other.kind == FieldKind::choice ? Value{other.choices.front()} : Value{"/x"});
  }
  return map;
}

void add_places(std::vector<Place>& places, const Section& table, const std::vector<std::string>& sections) {
  const auto prefix = sections.empty() ? std::string{} : sections.back() + ".";
  for (const auto& field : table.fields) {
    const std::string key{field.key};
    if (field.kind == FieldKind::section) {
      add_places(places, *field.section, {key});
    } else if (field.kind == FieldKind::sections) {
      for (const auto& inner : field.section->fields) {
        places.push_back({&inner, key + "[0]." + std::string{inner.key}, {}, key, companions(*field.section, inner)});
      }
    }
    places.push_back({&field, prefix + key, sections, {}, {}});
  }
}

std::vector<Place> all_places() {
  std::vector<Place> places;
  add_places(places, vm_config_section(), {});
  for (const auto& table : device_sections()) {
    for (const auto& field : table.fields) {
      auto item = Value::map({{"type", table.name}});
      const auto others = companions(table, field);
      for (const auto& [key, value] : others.as_map()) item.set(key, value);
      places.push_back({&field, "devices[0]." + std::string{field.key}, {}, "devices", std::move(item)});
    }
  }
  return places;
}

Value file_with(const Place& place, const Value& value) {
  const std::string key{place.field->key};
  if (!place.list.empty()) {
    auto item = place.item;
    item.set(key, value);
    return Value::map({{place.list, Value::list({item})}});
  }
  auto map = Value::map({{key, value}});
  for (auto section = place.sections.rbegin(); section != place.sections.rend(); ++section) {
    map = Value::map({{*section, map}});
  }
  return map;
}

/// Whether the loader has nothing against this key. How keys go together is not what the schema says.
bool loader_accepts(const Place& place, const Value& file) {
  std::vector<ConfigProblem> problems;
  static_cast<void>(vm_config_from_value(file, problems));
  return std::ranges::none_of(problems, [&](const auto& problem) { return problem.path.starts_with(place.path); });
}

std::vector<Value> samples_for(const Field& field) {
  std::vector<Value> samples = {Value{},
                                Value{true},
                                Value{-1},
                                Value{0},
                                Value{1},
                                Value{512},
                                Value{UINT64_MAX},
                                Value{1.5},
                                Value{""},
                                Value{"x"},
                                Value{"/x"},
                                Value{"a b"},
                                Value{"a\nb"},
                                Value{"a\tb\r\n"},
                                Value{"yes"},
                                Value{"512MiB"},
                                Value{"1024K"},
                                Value{"512"},
                                Value{"2GB"},
                                Value{"10s"},
                                Value{"a=b"},
                                Value{"1a"},
                                Value{"a,b"},
                                Value{std::string(31, 'a')},
                                Value{std::string(32, 'a')},
                                Value::list(),
                                Value::list({"a", "b=c"}),
                                Value::list({1}),
                                Value::list({"a\nb"}),
                                Value::list({Value{}}),
                                Value::list({"=b"}),
                                Value::list({"a b=c"}),
                                Value::list({""}),
                                Value::map(),
                                Value::map({{"zz", 1}})};
  for (const auto choice : field.choices) samples.emplace_back(choice);
  for (const auto bound : {field.min, field.max}) {
    samples.emplace_back(bound);
    if (bound > 0) samples.emplace_back(bound - 1);
    if (bound < UINT64_MAX) samples.emplace_back(bound + 1);
    if (field.kind == FieldKind::size) samples.emplace_back(format_size_mib(bound));
  }
  return samples;
}

/// The schema cannot tell bounds of a number with a unit, nor of a quote within a text: those are for the loader alone.
bool beyond_schema(const Field& field, const Value& sample) {
  if (!sample.is_string()) return false;
  if (field.kind == FieldKind::size) {
    try {
      const auto mib = parse_size_mib(sample.as_string());
      return mib < field.min || mib > field.max;
    } catch (const Error&) {
      return false;
    }
  }
  return field.kind == FieldKind::integer && !field.unit.empty();
}

TEST(ConfigSchema, AgreesWithTheLoaderOnEveryKey) {
  testing::SchemaChecker checker{parse_json(config_schema())};
  const auto places = all_places();
  EXPECT_GT(places.size(), 150U);
  for (const auto& place : places) {
    std::size_t accepted = 0;
    std::size_t refused = 0;
    for (const auto& sample : samples_for(*place.field)) {
      if (beyond_schema(*place.field, sample)) continue;
      const auto file = file_with(place, sample);
      const bool loads = loader_accepts(place, file);
      EXPECT_EQ(checker.accepts(file), loads) << place.path << ": " << to_json(sample);
      ++(loads ? accepted : refused);
    }
    EXPECT_GT(accepted, 0U) << place.path;
    EXPECT_GT(refused, 0U) << place.path;
  }
}

TEST(ConfigSchema, AgreesOnKeysThatAreMissingOrUnknown) {
  testing::SchemaChecker checker{parse_json(config_schema())};
  for (const auto* json :
       {R"({})", R"({"mem": 1})", R"({"cpu": {"zz": 1}})", R"({"devices": [{}]})", R"({"devices": [{"type": "nope"}]})",
        R"({"devices": [{"type": "disk"}]})", R"({"devices": [{"type": "disk", "path": "/x", "zz": 1}]})",
        R"({"devices": [{"type": "disk", "path": "/x"}, {"type": "panic"}]})", R"([])",
        R"({"assets": [{"path": "/x"}]})", R"({"assets": [{"kind": "kernel", "path": "/x"}]})"}) {
    std::vector<ConfigProblem> problems;
    static_cast<void>(vm_config_from_value(parse_json(json), problems));
    EXPECT_EQ(checker.accepts(parse_json(json)), problems.empty()) << json;
  }
}

TEST(ConfigSchema, AcceptsWhateverTheLibraryWrites) {
  testing::SchemaChecker checker{parse_json(config_schema())};
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const auto config = testing::random_config(seed);
    ASSERT_TRUE(checker.accepts(to_value(config))) << "seed " << seed;
    ASSERT_TRUE(checker.accepts(to_value(config, true))) << "seed " << seed;
  }
}

TEST(ConfigSchema, CheckerFailsOnAKeywordItDoesNotKnow) {
  testing::SchemaChecker checker{Value::map({{"multipleOf", 2}})};
  EXPECT_THROW(checker.accepts(Value{1}), std::logic_error);
}

}  // namespace
}  // namespace visor
