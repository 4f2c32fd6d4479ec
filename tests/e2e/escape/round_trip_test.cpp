// SPDX-License-Identifier: Apache-2.0
// Hostile texts in all fields that take a text, through the configuration and the plan: each is refused by name before
// anything starts, or a real QEMU has exactly that text.
//
// VISOR_TRIP_CASES and VISOR_TRIP_SEED change how many there are and which.
#include "fields.hpp"
#include "hostile_text.hpp"
#include "started.hpp"
#include "support/left_over.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/process/reaper.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

namespace visor::test {
namespace {

using namespace std::chrono_literals;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const std::string_view text = std::getenv(variable) != nullptr ? std::getenv(variable) : "";
  std::from_chars(text.data(), text.data() + text.size(), otherwise);
  return otherwise;
}

/// On one line, whatever is in it.
std::string shown(const std::string& text) {
  std::string out;
  for (const char c : text.substr(0, 300)) out += c < ' ' && c >= 0 ? '?' : c;
  return "'" + out + "' (" + std::to_string(text.size()) + " bytes)";
}

struct Count {
  unsigned taken = 0;
  unsigned refused = 0;
};

class RoundTrip : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!has_qemu(arch_)) GTEST_SKIP() << "no QEMU for " << arch_ << " is installed";
    adopt_orphans();
  }
  void TearDown() override {
    (void)sdk::reap_left_over();
    EXPECT_EQ(left_processes(10s), std::vector<std::string>{});
  }

  [[nodiscard]] bool here(const Field& field, unsigned turn) const {
    const bool its_turn = field.turn < 0 || static_cast<unsigned>(field.turn) == turn % 2;
    return its_turn && (field.everywhere || arch_ == "amd64");
  }

  /// A text for a field, or nothing when another is to be drawn.
  std::optional<Case> draw(const Field& field) {
    const auto text = text_.next();
    if (text.size() > field.longest) return std::nullopt;
    Case one{.field = &field, .id = "t" + std::to_string(++number_), .value = {}};
    one.value = files_.value_of(field, text, number_);
    if (field.unique && !taken_.insert(one.value).second) return std::nullopt;
    return one;
  }

  /// Whether the configuration takes it; a refusal must be one of the configuration, and name the field.
  bool is_taken(const Case& one) {
    auto config = files_.base();
    one.field->put(config, one);
    try {
      (void)hypervisor_of(arch_).validate(config);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(to_string(error.code()), "invalid_config") << error.message();
      EXPECT_NE(error.message().find(one.field->key), std::string::npos)
          << one.field->name << ' ' << shown(one.value) << ": " << error.message();
      return false;
    }
  }

  std::vector<Case> cases_of_a_turn(unsigned turn) {
    std::vector<Case> cases;
    taken_.clear();
    for (const auto& field : fields()) {
      if (!here(field, turn)) continue;
      const auto wanted = arch_ == "amd64" ? field.count : (field.count + 1) / 2;
      for (unsigned i = 0, tries = 0; i < wanted && tries < 200; ++tries) {
        auto one = draw(field);
        if (!one) continue;
        ++i;
        const bool taken = is_taken(*one);
        ++(taken ? counts_[field.name].taken : counts_[field.name].refused);
        if (taken && !one->value.empty()) cases.push_back(*std::move(one));  // an empty one stands for none
      }
    }
    return cases;
  }

  void expect_told(Started& started, const Case& one) {
    std::optional<std::string> told;
    try {
      told = one.field->told(started.told(), one);
    } catch (const Error& error) {
      ADD_FAILURE() << one.field->name << ' ' << shown(one.value) << ": " << error.message();
      return;
    }
    EXPECT_TRUE(told == one.value) << one.field->name << " is " << shown(told.value_or("nothing")) << ", not "
                                   << shown(one.value);
  }

  void start_with(const std::vector<Case>& cases, unsigned turn) {
    auto config = files_.base();
    for (const auto& one : cases) one.field->put(config, one);
    try {
      Started started{arch_, config, files_.folder() / ("r" + std::to_string(turn))};
      for (const auto& one : cases) expect_told(started, one);
    } catch (const Error& error) {
      ADD_FAILURE() << "turn " << turn << ": " << error.message();
    }
  }

  [[nodiscard]] unsigned tried() const {
    unsigned sum = 0;
    for (const auto& [name, count] : counts_) sum += count.taken + count.refused;
    return sum;
  }

  const std::string arch_ = GetParam();
  const std::uint64_t seed_ = number_from("VISOR_TRIP_SEED", 1);
  HostileText text_{seed_};
  Files files_{arch_};
  std::size_t number_ = 0;
  std::set<std::string> taken_;
  std::map<std::string_view, Count> counts_;
};

TEST_P(RoundTrip, EachTextIsRefusedOrExactlyWhatQemuHas) {
  auto cases = number_from("VISOR_TRIP_CASES", 500);
  if (arch_ != "amd64") cases /= 8;
  for (unsigned turn = 0; tried() < cases && !HasFatalFailure(); ++turn) start_with(cases_of_a_turn(turn), turn);
  std::printf("%s: seed %llu\n", arch_.c_str(), static_cast<unsigned long long>(seed_));
  for (const auto& [name, count] : counts_) {
    std::printf("  %-28.*s %5u taken, %5u refused\n", static_cast<int>(name.size()), name.data(), count.taken,
                count.refused);
    EXPECT_GT(count.taken + count.refused, 0U);
  }
  unsigned taken = 0;
  for (const auto& [name, count] : counts_) taken += count.taken;
  EXPECT_GT(taken, tried() / 4) << "hardly any text was taken, so that little was tried";
  EXPECT_LT(taken, tried()) << "no text was refused";
}

INSTANTIATE_TEST_SUITE_P(Escape, RoundTrip, ::testing::Values("amd64", "arm64", "ppc64le", "s390x"),
                         [](const auto& arch) { return std::string{arch.param}; });

}  // namespace
}  // namespace visor::test
