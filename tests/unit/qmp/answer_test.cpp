// SPDX-License-Identifier: Apache-2.0
#include "qmp/answer.hpp"

#include "qmp_test_support.hpp"

#include <limits>

namespace visor::sdk::qmp {
namespace {

/// What the reader of an answer complains about, without the words that all complaints begin with.
template <class F>
std::string complaint(const Value& value, F&& read) {
  const auto error = error_of([&] { read(Answer{"query-x", value}); });
  if (!error) return "none";
  EXPECT_EQ(error->code(), Errc::hypervisor_error);
  const std::string head = "The answer to query-x is not as documented: ";
  EXPECT_EQ(error->message().find(head), 0U) << error->message();
  return error->message().substr(std::min(head.size(), error->message().size()));
}

TEST(QmpAnswer, ReadsExactIntegers) {
  const auto value = Value::map({{"max", std::numeric_limits<std::uint64_t>::max()},
                                 {"odd", 9'007'199'254'740'993},
                                 {"min", std::numeric_limits<std::int64_t>::min()}});
  const Answer answer{"query-x", value};
  EXPECT_EQ(answer.integer("max"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(answer.integer("odd"), 9'007'199'254'740'993U);
  EXPECT_EQ(answer.integer<std::int64_t>("min"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(answer.find_integer("none"), std::nullopt);
  EXPECT_EQ(answer.integer_or_zero("none"), 0U);
}

TEST(QmpAnswer, NamesThePlaceOfWhatIsWrong) {
  const auto value =
      Value::list({Value::map({{"props", Value::map({{"core-id", "1"}})}}), Value::map({{"props", Value::map()}})});
  EXPECT_EQ(complaint(value, [](const Answer& it) { (void)it.text(); }), "it is a list, not a string");
  const auto read = [](const Answer& item) {
    const auto props = item.at("props");
    (void)props.integer("core-id");
  };
  EXPECT_EQ(complaint(value, [&](const Answer& it) { it.each(read); }),
            "[0].props.core-id is a string, not an integer");
  EXPECT_EQ(complaint(Value::list({value.as_list()[1]}), [&](const Answer& it) { it.each(read); }),
            "[0].props.core-id is missing");
  EXPECT_EQ(complaint(Value::map({{"a", Value::map({{"b", 1}})}}),
                      [](const Answer& it) {
                        const auto a = it.at("a");
                        a.each("b", [](const Answer&) {});
                      }),
            "a.b is an integer, not a list");
}

TEST(QmpAnswer, RefusesNumbersThatDoNotFit) {
  const auto value = Value::map({{"big", std::uint64_t{1} << 63U}, {"minus", -1}, {"wide", 1LL << 32}, {"half", 0.5}});
  const auto why = [&](auto read) { return complaint(value, read); };
  EXPECT_EQ(why([](const Answer& it) { (void)it.integer<std::int64_t>("big"); }), "big is out of range");
  EXPECT_EQ(why([](const Answer& it) { (void)it.integer("minus"); }), "minus is out of range");
  EXPECT_EQ(why([](const Answer& it) { (void)it.integer<std::uint32_t>("wide"); }), "wide is out of range");
  EXPECT_EQ(why([](const Answer& it) { (void)it.integer<std::int32_t>("wide"); }), "wide is out of range");
  EXPECT_EQ(why([](const Answer& it) { (void)it.integer("half"); }), "half is a number, not an integer");
  EXPECT_EQ(why([](const Answer& it) { (void)it.boolean("big"); }), "big is an integer, not true or false");
  EXPECT_EQ(why([](const Answer& it) { (void)it.number_or_zero("half"); }), "none");
}

}  // namespace
}  // namespace visor::sdk::qmp
