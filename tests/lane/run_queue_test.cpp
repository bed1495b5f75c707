// SPDX-License-Identifier: MPL-2.0
#include "lane/run_queue.hpp"
#include "lane/shared_log.hpp"

#include "lane_rig.hpp"

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;
using lane::run_queue;
using lane::run_view;
using lane::shared_log;

namespace {

/// One message in the log.
run_view written(shared_log& log, std::string_view text)
{
    std::byte* const to = log.reserve(text.size());
    REQUIRE(to != nullptr);
    std::memcpy(to, text.data(), text.size());
    run_view made = log.commit(text.size());
    made.messages = 1;
    return made;
}

bool append(run_queue& to, const run_view& what)
{
    REQUIRE(to.reserve(1));
    return to.append({&what, 1});
}

/// What the queue shows, run by run; the head moves behind it.
std::string read_all(run_queue& from)
{
    std::string text;
    run_queue::cursor at = from.head();
    std::uint64_t bytes = 0;
    do {
        const lane::run_extent all = at.extent();
        if (all.bytes > at.offset()) {
            const auto run = at.bytes(at.offset(), all.bytes);
            text += '[' + std::string(reinterpret_cast<const char*>(run.data()), run.size()) + ']';
            bytes += run.size();
            at.set_offset(all.bytes);
        }
    } while (at.leave());
    from.move_head(at, bytes);
    return text;
}

} // namespace

TEST_CASE("messages that lie one behind the other are one run")
{
    lane::chunk_pools pools;
    shared_log log(pools);
    run_queue queue;
    CHECK(append(queue, written(log, "a")));
    CHECK_FALSE(append(queue, written(log, "b")));
    const run_view skipped = written(log, "c");
    CHECK_FALSE(append(queue, written(log, "d")));
    CHECK_FALSE(append(queue, written(log, "e")));
    CHECK(read_all(queue) == "[ab][de]");
    CHECK_FALSE(append(queue, written(log, "f")));
    CHECK(read_all(queue) == "[f]");
    CHECK(queue.waiting_bytes() == 0);
    CHECK(skipped.messages == 1);
}

TEST_CASE("a consumer that waits is notified once, of the next message")
{
    lane::chunk_pools pools;
    shared_log log(pools);
    run_queue queue;
    CHECK(queue.consumer_must_wait());
    CHECK(append(queue, written(log, "a")));
    CHECK_FALSE(queue.consumer_must_wait());
    CHECK(read_all(queue) == "[a]");
    CHECK(queue.consumer_must_wait());
    CHECK(queue.consumer_must_wait());
    CHECK(append(queue, written(log, "b")));
    CHECK_FALSE(append(queue, written(log, "c")));
    CHECK(read_all(queue) == "[bc]");
}

TEST_CASE("a message of several runs is not joined with the one before, and is seen at once")
{
    lane::chunk_pools pools;
    shared_log log(pools);
    run_queue queue;
    (void)append(queue, written(log, "a"));
    run_view runs[3] = {written(log, "b"), written(log, "c"), written(log, "d")};
    runs[0].messages = runs[1].messages = 0;
    REQUIRE(queue.reserve(3));
    CHECK_FALSE(queue.append(runs));
    CHECK_FALSE(append(queue, written(log, "e")));
    CHECK(read_all(queue) == "[a][b][c][de]");
    CHECK(queue.consumer_must_wait());
    REQUIRE(queue.reserve(3));
    CHECK(queue.append(runs));
    CHECK(read_all(queue) == "[b][c][d]");
}

TEST_CASE("between two threads a message of several runs is seen whole")
{
    lane::chunk_pools pools;
    shared_log log(pools);
    run_queue queue;
    constexpr unsigned count = 20'000;
    std::thread consumer([&] {
        run_queue::cursor at = queue.head();
        bool torn = false;
        for (unsigned seen = 0; seen < count;) {
            unsigned runs = 0;
            std::uint64_t bytes = 0;
            do {
                const lane::run_extent all = at.extent();
                runs += all.bytes > at.offset() ? 1 : 0;
                seen += all.bytes > at.offset() ? all.messages : 0;
                bytes += all.bytes - at.offset();
                at.set_offset(all.bytes);
            } while (at.leave());
            torn = torn || runs % 3 != 0;
            queue.move_head(at, bytes);
        }
        CHECK_FALSE(torn);
    });
    for (unsigned number = 0; number < count; ++number) {
        run_view runs[3] = {written(log, "first"), written(log, "second"), written(log, "third")};
        runs[0].messages = runs[1].messages = 0;
        REQUIRE(queue.reserve(3));
        (void)queue.append(runs);
    }
    consumer.join();
}

TEST_CASE("memory is given back when the last queue has read it, or waits, or ends")
{
    lent_memory body("some text");
    const auto append_body = [&](run_queue& to) {
        message lent = body.lend();
        message_detail::shared_memory* const owner = message_detail::access::owner_of(lent);
        (void)append(to, {owner, lent.bytes().data(), 9, 1});
    };
    {
        run_queue one, other;
        append_body(one);
        CHECK(read_all(one) == "[some text]");
        CHECK_FALSE(body.is_back()); // the run may still grow
        CHECK(one.consumer_must_wait());
        CHECK(body.is_back());
        for (int count = 0; count < 100; ++count)
            append_body(other);
        CHECK(read_all(other).size() == 1100);
        CHECK(body.released() == 100);
        append_body(one);
        append_body(one);
        CHECK_FALSE(body.is_back());
    }
    CHECK(body.is_back());
}

TEST_CASE("a chunk counts in the budget from when it is full until nobody refers to it")
{
    lane::chunk_pools pools(std::make_shared<memory_budget>(0));
    {
        shared_log log(pools);
        run_queue queue;
        const std::string text(30'000, 'x');
        (void)append(queue, written(log, text));
        (void)append(queue, written(log, text));
        CHECK(pools.budget->used() == 0);
        (void)append(queue, written(log, text));
        CHECK(pools.budget->used() == lane::large_block);
        CHECK(read_all(queue).size() == 90'004);
        CHECK(pools.budget->used() == 0);
        CHECK(queue.consumer_must_wait());
        for (int count = 0; count < 6; ++count)
            (void)written(log, text); // nobody has asked for it
        CHECK(pools.budget->used() == 0);
    }
    CHECK(pools.budget->used() == 0);
}

TEST_CASE("runs pass from one thread to the other, each byte once and in order")
{
    constexpr unsigned count = 200'000;
    lane::chunk_pools pools;
    shared_log log(pools);
    run_queue queue;
    std::atomic<bool> notified{false};
    std::thread consumer([&] {
        unsigned next = 0;
        bool wrong = false;
        std::uint64_t messages = 0;
        run_queue::cursor at = queue.head();
        std::uint64_t counted = 0; // of the present run
        while (next < count) {
            const lane::run_extent all = at.extent();
            const auto run = at.bytes(at.offset(), all.bytes);
            for (std::size_t from = 0; from + sizeof next <= run.size(); from += sizeof next) {
                unsigned number = 0;
                std::memcpy(&number, run.data() + from, sizeof number);
                wrong = wrong || number < next; // those in between were for others
                next = number + 1;
            }
            messages += all.messages - counted;
            counted = all.messages;
            at.set_offset(all.bytes);
            queue.move_head(at, run.size());
            if (at.leave()) {
                counted = 0;
                continue;
            }
            if (!run.empty())
                continue;
            if (queue.consumer_must_wait()) {
                while (next < count && !notified.exchange(false))
                    std::this_thread::yield();
            }
            if (!queue.head().same_run(at))
                counted = 0;
            at = queue.head();
        }
        CHECK_FALSE(wrong);
        CHECK(messages * 4 >= count);
    });
    std::mt19937 random(1);
    for (unsigned number = 0; number < count; ++number) {
        std::byte* const to = log.reserve(sizeof number);
        std::memcpy(to, &number, sizeof number);
        run_view made = log.commit(sizeof number);
        made.messages = 1;
        if (random() % 4 == 0 && number + 1 < count)
            continue;
        if (append(queue, made))
            notified.store(true);
        if (random() % 1000 == 0)
            std::this_thread::yield();
    }
    consumer.join();
}
