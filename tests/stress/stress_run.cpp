// SPDX-License-Identifier: Apache-2.0
#include "stress_run.hpp"

#include "visor/core/error.hpp"

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <thread>
#include <utility>

namespace visor::stress {
namespace {

using namespace std::chrono_literals;
using sdk::qmp::Client;
using sdk::qmp::Outcome;
using Clock = std::chrono::steady_clock;

constexpr auto plenty = 60s;

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count();
}

sdk::qmp::Command echo(std::uint64_t payload) { return {"echo", Value::map({{"n", payload}})}; }

/// From microseconds, so that deadlines pass at every place of a call, to more than any answer needs.
std::chrono::microseconds some_limit(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0:
      return std::chrono::microseconds{random() % 200};
    case 1:
      return std::chrono::microseconds{random() % 5'000};
    default:
      return 100ms;
  }
}

/// The outcomes of calls, the first of each. Shared with the completions, which count themselves as long as the session
/// lives: a second one may come when the thread that made the call has left.
struct Ahead {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::pair<std::size_t, Outcome>> arrived;
  std::vector<int> counts;
};

}  // namespace

StressRun::StressRun(StressOptions options) : options_{options}, peers_{options.seed, {}} {
  for (unsigned i = 0; i < options_.threads; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->random.seed(options_.seed * 1000 + i);
  }
  for (unsigned i = 0; i < options_.sessions; ++i) slots_.push_back(std::make_unique<Slot>());
}

StressRun::~StressRun() = default;

void StressRun::problem(const std::string& text) {
  if (++tally_.problems > 20) return;
  const std::scoped_lock lock{mutex_};
  std::cerr << "problem: " << text << std::endl;
}

// ---------------------------------------------------------------------------------------------------------- sessions

std::shared_ptr<Client> StressRun::client_of(Slot& slot) {
  const std::scoped_lock lock{slot.mutex};
  while (!slot.client) {
    try {
      sdk::qmp::ClientOptions options;
      options.io = io_;
      auto client = Client::connect(peers_.connect(), std::move(options), plenty);
      // Whoever lets go of it last closes its books: only then has every call of it ended.
      slot.client = std::shared_ptr<Client>(client.release(), [this](Client* last) {
        const std::unique_ptr<Client> ending{last};
        close_books(*ending);
      });
    } catch (const Error& error) {
      problem("connecting: " + error.message());
      return nullptr;
    }
  }
  return slot.client;
}

/// The slot gets a new session. This one ends when the last thread that uses it has let go of it.
void StressRun::replace(Slot& slot, const std::shared_ptr<Client>& client) {
  std::shared_ptr<Client> old;
  const std::scoped_lock lock{slot.mutex};
  if (slot.client == client) old.swap(slot.client);
}

void StressRun::close_books(const Client& client) {
  const auto counters = client.counters();
  if (counters.unknown_ids != 0) problem("an answer to nothing that was asked");
  if (counters.unknown_objects != 0) problem("an object that is nothing");
  if (counters.callback_failures != 0) problem("a callback threw");
  if (counters.withdrawn > counters.timed_out + counters.cancelled) problem("more withdrawn than ended early");
  const std::scoped_lock lock{mutex_};
  sums_ += counters;
}

// ------------------------------------------------------------------------------------------------------------- calls

void StressRun::account(std::uint64_t payload, const Outcome& outcome, Made made) {
  ++tally_.begun;
  if (outcome.ok()) {
    ++tally_.answered;
    const auto* const echoed = outcome.value().find("n");
    if (!echoed || *echoed != Value{payload}) problem("the answer to another call");
    return;
  }
  const auto& error = *outcome.error();
  // A blocking call that was cancelled may have been so before it began; one whose time was up may have lost its
  // session.
  const auto& text = error.message;
  if (made == Made::blocking && (text.ends_with("before it was sent") || text.ends_with("came too late"))) {
    ++tally_.ambiguous;
  }
  if (made == Made::refused || text.starts_with("Cannot send") || text.starts_with("The time was up")) {
    ++tally_.unsent;
  } else if (error.code == Errc::hypervisor_error) {
    ++tally_.refused;
    if (error.description != std::to_string(payload)) problem("the refusal of another call");
  } else if (error.code == Errc::timeout) {
    ++tally_.timed_out;
  } else if (error.code == Errc::cancelled) {
    ++tally_.cancelled;
  } else if (error.code == Errc::disconnected) {
    ++tally_.lost;
  } else {
    problem("an unexpected error: " + error.message);
  }
}

void StressRun::call_and_wait(Worker& worker, Client& client) {
  const auto payload = next_++;
  auto source = std::make_shared<CancelSource>();
  {
    const std::scoped_lock lock{worker.mutex};
    worker.source = source;
  }
  const auto limit = Clock::now() + some_limit(worker.random);
  account(payload, client.call(echo(payload), {limit, source->token()}), Made::blocking);
}

void StressRun::call_ahead(Worker& worker, Client& client) {
  const std::size_t count = 1 + worker.random() % 8;
  const auto first = next_.fetch_add(count);
  const auto ahead = std::make_shared<Ahead>();
  ahead->counts.resize(count);
  tally_.ahead += count;
  std::vector<sdk::qmp::CallId> ids;
  for (std::size_t i = 0; i < count; ++i) {
    const auto deadline = Clock::now() + some_limit(worker.random);
    ids.push_back(client.call_async(echo(first + i), deadline, [this, ahead, i](Outcome outcome) {
      ++tally_.completions;
      const std::scoped_lock lock{ahead->mutex};
      if (++ahead->counts[i] != 1) return problem("a call ended twice");
      ahead->arrived.emplace_back(i, std::move(outcome));
      ahead->changed.notify_all();
    }));
    if (worker.random() % 8 == 0) client.cancel(ids[worker.random() % ids.size()]);
    if (worker.random() % 8 == 0) client.withdraw(ids[worker.random() % ids.size()]);
  }
  std::unique_lock lock{ahead->mutex};
  if (!ahead->changed.wait_for(lock, plenty, [&] { return ahead->arrived.size() >= count; })) {
    problem("a call never ended");
  }
  for (const auto& [i, outcome] : ahead->arrived) {
    account(first + i, outcome, ids[i] != 0 ? Made::ahead : Made::refused);
  }
}

void StressRun::cancel_someone(Worker& worker) {
  auto& victim = *workers_[worker.random() % workers_.size()];
  std::shared_ptr<CancelSource> source;
  {
    const std::scoped_lock lock{victim.mutex};
    source = victim.source;
  }
  source->cancel();
}

void StressRun::step(Worker& worker) {
  auto& slot = *slots_[worker.random() % slots_.size()];
  const auto client = client_of(slot);
  if (!client) return;
  const auto queue = worker.random() % 16 == 0 ? client->subscribe({"E1"}, 4) : nullptr;
  if (worker.random() % 8 == 0) cancel_someone(worker);
  worker.random() % 2 == 0 ? call_and_wait(worker, *client) : call_ahead(worker, *client);
  if (worker.random() % 2048 == 0) client->shutdown();
  if (client->failure() || worker.random() % 4096 == 0) replace(slot, client);
}

void StressRun::work(Worker& worker) {
  while (next_ < options_.commands && tally_.problems == 0) {
    worker.step_begun = now_us();
    step(worker);
    worker.step_begun = 0;
  }
}

/// Ends the program when a thread sticks: there is nothing to be tidied up then.
void StressRun::watch(const std::atomic<bool>& over) {
  const auto longest = std::chrono::microseconds{options_.watchdog}.count();
  while (!over) {
    std::this_thread::sleep_for(50ms);
    for (const auto& worker : workers_) {
      const auto begun = worker->step_begun.load();
      if (begun == 0 || now_us() - begun < longest) continue;
      std::cerr << "problem: a step takes longer than " << options_.watchdog.count() << " s; seed " << options_.seed
                << std::endl;
      std::_Exit(2);
    }
  }
}

bool StressRun::run() {
  std::atomic<bool> over{false};
  std::thread watchdog{[&] { watch(over); }};
  std::vector<std::thread> threads;
  for (auto& worker : workers_) threads.emplace_back([this, &worker] { work(*worker); });
  for (auto& thread : threads) thread.join();
  over = true;
  watchdog.join();
  for (auto& slot : slots_) {
    if (slot->client) replace(*slot, slot->client);
  }
  return check_books();
}

bool StressRun::check_books() {
  const auto ended = sums_.replied + sums_.timed_out + sums_.cancelled + tally_.lost;
  const auto known = tally_.begun - tally_.unsent;
  if (tally_.begun != next_) problem("not every call was accounted for");
  // All sessions have ended: no completion can come any more.
  if (tally_.completions != tally_.ahead) problem("not every completion ran once");
  if (ended > known || ended + tally_.ambiguous < known) problem("the counters of the sessions do not add up");
  if (sums_.replied < tally_.answered + tally_.refused) problem("more answers than were counted");
  if (sums_.events > peers_.events()) problem("more events than there were");
  if (sums_.sent < sums_.replied + sums_.late) problem("more answers than commands");
  std::cout << "calls " << tally_.begun << ": answered " << tally_.answered << ", refused " << tally_.refused
            << ", timed out " << tally_.timed_out << ", cancelled " << tally_.cancelled << ", lost " << tally_.lost
            << ", unsent " << tally_.unsent << "\nsessions killed by the peer " << peers_.killed() << ", events "
            << sums_.events << ", late answers " << sums_.late << ", withdrawn " << sums_.withdrawn << std::endl;
  return tally_.problems == 0;
}

}  // namespace visor::stress
