// SPDX-License-Identifier: Apache-2.0
#include "visor/core/problems.hpp"
#include "support.hpp"

namespace visor {
namespace {

using testing::expect_error;

TEST(Problems, AreSaidAtOnce) {
  Problems problems;
  EXPECT_TRUE(problems.empty());
  problems.throw_if_any();
  problems.add(Errc::not_found, "a: first");
  problems.add(Errc::not_found, "b: second");
  expect_error(Errc::not_found, "a: first\nb: second", [&] { problems.throw_if_any(); });
}
TEST(Problems, OfSeveralKindsAreAWrongConfiguration) {
  Problems problems;
  problems.add(Errc::not_found, "a: first");
  problems.add(Errc::unsupported, "b: second");
  problems.add(Errc::unsupported, "c: third");
  expect_error(Errc::invalid_config, "a: first\nb: second\nc: third", [&] { problems.throw_if_any(); });
}
TEST(Problems, AreSaidOnce) {
  Problems problems;
  problems.add(Errc::unsupported, "a: first");
  EXPECT_FALSE(problems.gather([] { throw Error(Errc::unsupported, "b: second\na: first\nc: third"); }));
  EXPECT_TRUE(problems.gather([] {}));
  EXPECT_EQ(problems.error().message(), "a: first\nb: second\nc: third");
  EXPECT_EQ(problems.error().code(), Errc::unsupported);
}
TEST(Problems, ADefectIsNone) {
  Problems problems;
  problems.add(Errc::unsupported, "a: first");
  expect_error(Errc::internal, "broken", [&] { problems.gather([] { throw Error(Errc::internal, "broken"); }); });
  EXPECT_EQ(problems.error().message(), "a: first");
}

}  // namespace
}  // namespace visor
