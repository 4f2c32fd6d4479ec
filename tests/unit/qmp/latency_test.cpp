// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/latency.hpp"

#include "qmp_test_support.hpp"

#include <numeric>

namespace visor::sdk::qmp {
namespace {

using std::chrono::microseconds;

TEST(QmpLatency, CountsInBucketsThatDouble) {
  LatencyHistogram histogram;
  for (const auto latency : {-5us, 0us, 1us, 2us, 3us, 4us, 1000us}) histogram.add(latency);
  EXPECT_EQ(histogram.buckets[0], 2U);
  EXPECT_EQ(histogram.buckets[1], 1U);
  EXPECT_EQ(histogram.buckets[2], 2U);
  EXPECT_EQ(histogram.buckets[3], 1U);
  EXPECT_EQ(histogram.buckets[10], 1U);
  EXPECT_EQ(histogram.count, 7U);
  EXPECT_EQ(histogram.total_us, 1010U);
  EXPECT_EQ(histogram.longest_us, 1000U);
}

TEST(QmpLatency, TheLastBucketHasAllAbove) {
  LatencyHistogram histogram;
  histogram.add(std::chrono::hours{100});
  histogram.add(std::chrono::nanoseconds::max());
  EXPECT_EQ(histogram.buckets.back(), 2U);
  EXPECT_EQ(histogram.quantile(1), microseconds{histogram.longest_us});
}

TEST(QmpLatency, QuantilesAreBoundsOfBuckets) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0us);
  for (int i = 0; i < 99; ++i) histogram.add(10us);
  histogram.add(5000us);
  EXPECT_EQ(histogram.quantile(0.5), 16us);
  EXPECT_EQ(histogram.quantile(0.99), 16us);
  EXPECT_EQ(histogram.quantile(1), 5000us);
  EXPECT_EQ(histogram.quantile(7), 5000us);
}

TEST(QmpLatency, Adds) {
  LatencyHistogram one;
  LatencyHistogram two;
  one.add(1us);
  two.add(8us);
  two.add(9us);
  one += two;
  EXPECT_EQ(one.count, 3U);
  EXPECT_EQ(one.total_us, 18U);
  EXPECT_EQ(one.longest_us, 9U);
  EXPECT_EQ(one.buckets[4], 2U);
}

TEST(QmpLatency, AClientMeasuresTheAnswersThatReachedTheirCalls) {
  FakeQmpServer server{ready_script()
                           .expect("good")
                           .reply()
                           .expect("bad")
                           .fail("GenericError", "no")
                           .expect("slow")
                           .pause("late")
                           .reply()
                           .expect("last")
                           .reply()};
  const auto client = connect(server);
  (void)client->call({"good"}, plenty);
  (void)client->call({"bad"}, plenty);
  (void)client->call({"slow"}, brief);
  server.release("late");
  (void)client->call({"last"}, plenty);
  const auto latency = client->latency();
  EXPECT_EQ(latency.count, 3U);
  EXPECT_EQ(latency.count, client->counters().replied);
  EXPECT_EQ(std::accumulate(latency.buckets.begin(), latency.buckets.end(), std::uint64_t{0}), 3U);
  EXPECT_LE(latency.longest_us, latency.total_us);
}

}  // namespace
}  // namespace visor::sdk::qmp
