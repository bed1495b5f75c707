// SPDX-License-Identifier: MPL-2.0
// Links and loops that are destroyed at every moment, and links that other threads observe.

#include "link_rig.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

namespace slk::link_tests {

TEST_CASE("a link may be destroyed from inside its handler in every state")
{
    for (const link_state end_in : every_link_state) {
        for (const bool end_loop_too : {false, true}) {
            INFO(name_of(end_in));
            rig on;
            server peer(*on, 0, [](stream s) { s.reset(); });
            std::optional<link> dialling;
            int calls_afterwards = 0;
            bool gone = false;
            dialling.emplace(make_link(*on, at(peer.where()), quick(),
                                       {.state_changed =
                                            [&](const link_transition& move, const link_status&) {
                                                calls_afterwards += gone ? 1 : 0;
                                                if (move.to == link_state::connected &&
                                                    end_in == link_state::idle)
                                                    dialling->stop();
                                                if (move.to == end_in && !gone) {
                                                    gone = true;
                                                    dialling.reset();
                                                }
                                            },
                                        .connected = {}}));
            dialling->start();
            CHECK(on.until([&] { return gone; }));
            if (!end_loop_too)
                on.pass(10ms);
            on.end();
            CHECK(calls_afterwards == 0);
        }
    }
}

TEST_CASE(
    "a link that is started, and whose loop ends before it has a turn, stays idle and is freed")
{
    for (const bool loop_first : {false, true}) {
        auto made = slk::loop::create();
        REQUIRE(made.has_value());
        std::optional<slk::loop> on(std::move(*made));
        const std::weak_ptr<io::loop_core> core = on->core();
        std::optional<link> dialling;
        dialling.emplace(make_link(*on, *endpoint::parse("tcp://127.0.0.1:1"), quick()));
        dialling->start();
        if (loop_first) {
            on.reset();
            CHECK(dialling->status().state == link_state::idle);
            CHECK(dialling->status().attempt == 0);
        }
        dialling.reset();
        on.reset();
        CHECK(core.expired());
    }
}

TEST_CASE("a link may be destroyed from inside its connected handler, with or without its stream")
{
    for (const bool keep : {false, true}) {
        rig on;
        server peer(*on);
        stream kept;
        std::optional<link> dialling;
        dialling.emplace(make_link(*on, at(peer.where()), quick(),
                                   {.state_changed = {}, .connected = [&](stream s) {
                                        if (keep)
                                            kept = std::move(s);
                                        dialling.reset();
                                    }}));
        dialling->start();
        REQUIRE(on.until([&] { return !dialling.has_value() && !peer.streams.empty(); }));
        std::array<std::byte, 1> buffer{};
        std::optional<result<std::size_t>> end;
        REQUIRE(peer.streams[0].receive(buffer, [&](auto got) { end = got; }).has_value());
        CHECK(on.until([&] { return end.has_value(); }));
        CHECK(kept.native_handle() == -1);
    }
}

TEST_CASE("a link, or its loop, may be destroyed from outside in every state that lasts")
{
    for (const bool loop_first : {false, true}) {
        for (const link_state wanted : {link_state::idle, link_state::connecting,
                                        link_state::connected, link_state::backoff}) {
            INFO(name_of(wanted));
            rig on;
            server peer(*on);
            const dead_end nobody;
            std::optional<black_hole> hole;
            address where = peer.where();
            reconnect_options options = quick();
            if (wanted == link_state::backoff) {
                where = nobody.where();
                options.floor = 1h;
            }
            if (wanted == link_state::connecting) {
                hole.emplace();
                hole->fill(on);
                where = hole->where();
                options.connect_timeout = 0ms;
            }
            int calls = 0;
            std::optional<link> dialling;
            dialling.emplace(make_link(
                *on, at(where), options,
                {.state_changed = [&](const auto&, const auto&) { ++calls; }, .connected = {}}));
            if (wanted != link_state::idle)
                dialling->start();
            REQUIRE(on.until([&] { return dialling->status().state == wanted; }));
            if (loop_first) {
                on.end();
                CHECK(dialling->status().state == link_state::idle);
                const int before = calls;
                dialling->start();
                dialling->stop();
                CHECK(calls == before);
            } else {
                const int before = calls;
                dialling.reset();
                on.pass(5ms);
                CHECK(calls == before);
            }
        }
    }
}

TEST_CASE("no handler runs after a link was destroyed while its loop runs on its own thread")
{
    rig on;
    server peer(*on, 0, [](stream s) { s.reset(); });
    const endpoint where = at(peer.where());
    REQUIRE(on->start_thread().has_value());
    std::atomic<int> late = 0;
    std::atomic<int> calls = 0;
    for (int round = 0; round < 300; ++round) {
        std::atomic<bool> alive = true;
        const auto called = [&] {
            ++calls;
            late += alive ? 0 : 1;
        };
        {
            link dialling = make_link(*on, where, quick(),
                                      {.state_changed = [&](const auto&, const auto&) { called(); },
                                       .connected = [&](stream) { called(); }});
            dialling.start();
            // At another moment each time.
            const int enough = calls + round % 12;
            const auto bound = std::chrono::steady_clock::now() + 5s;
            while (calls < enough && std::chrono::steady_clock::now() < bound)
                std::this_thread::yield();
        }
        alive = false;
    }
    on->stop();
    CHECK(late == 0);
    CHECK(calls > 300);
}

TEST_CASE("status and flight recorder are consistent from other threads during churn")
{
    rig on;
    server peer(*on, 0, [](stream s) { s.reset(); });
    link dialling = make_link(*on, at(peer.where()), quick());
    REQUIRE(on->start_thread().has_value());
    dialling.start();
    std::atomic<bool> over = false;
    std::array<std::atomic<int>, 7> wrong{};
    std::vector<std::thread> readers;
    for (int number = 0; number < 3; ++number)
        readers.emplace_back([&] {
            std::uint64_t generation = 0;
            std::uint64_t newest = 0;
            while (!over) {
                const link_status status = dialling.status();
                const bool at_rest =
                    status.state == link_state::idle || status.state == link_state::backoff;
                wrong[0] += status.generation < generation ? 1 : 0;
                wrong[1] += at_rest && status.peer != address{} ? 1 : 0;
                wrong[2] += (status.state == link_state::backoff) != (status.next_attempt != never);
                wrong[3] += (status.state == link_state::connected) != (status.local != address{});
                generation = status.generation;
                std::uint64_t before = 0;
                for (const link_transition& move : dialling.recent_transitions()) {
                    wrong[4] += before != 0 && move.number != before + 1 ? 1 : 0;
                    before = move.number;
                }
                // Empty if everything was overwritten while it was read.
                wrong[5] += before != 0 && before < newest ? 1 : 0;
                newest = std::max(newest, before);
                wrong[6] += dialling.report().empty() ? 1 : 0;
            }
        });
    const auto bound = std::chrono::steady_clock::now() + 10s;
    while (dialling.status().generation < 30 && std::chrono::steady_clock::now() < bound)
        std::this_thread::yield();
    over = true;
    for (std::thread& reader : readers)
        reader.join();
    on->stop();
    CHECK(dialling.status().generation >= 30);
    for (std::size_t which = 0; which < wrong.size(); ++which) {
        INFO("check ", which);
        CHECK(wrong[which].load() == 0);
    }
}

} // namespace slk::link_tests
