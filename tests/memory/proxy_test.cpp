// SPDX-License-Identifier: MPL-2.0

// Lives of a proxy in which allocations fail.

#include "worlds.hpp"

#include <doctest/doctest.h>

#include <serverlink/proxy.hpp>

#include <string>

namespace slk::testing {

namespace {

const char* queue_between(const char* where, bool copied)
{
    auto in = new_context(0);
    EXPECT(in);
    dealer_options named = quick();
    named.routing_id = std::string(100, 'n');
    auto client = new_socket<dealer>(*in, named);
    EXPECT(client);
    auto front = new_socket<router>(*in, quick());
    EXPECT(front);
    auto back = new_socket<dealer>(*in, quick());
    EXPECT(back);
    auto worker = new_socket<dealer>(*in, quick());
    EXPECT(worker);
    auto tap = new_socket<pub>(*in, quick());
    EXPECT(tap);
    const auto clients = insist([&] { return front->bind(where); });
    EXPECT(clients);
    EXPECT(insist([&] { return client->connect(*clients); }));
    const auto workers = insist([&] { return back->bind("tcp://127.0.0.1:*"); });
    EXPECT(workers);
    EXPECT(insist([&] { return worker->connect(*workers); }));
    auto between =
        insist([&] { return proxy::create(*front, *back, {.capture = copied ? &*tap : nullptr}); });
    EXPECT(between);
    const auto move = [&]() -> result<void> {
        for (int turn = 0; turn < 3; ++turn)
            if (const auto ended = between->run(no_wait);
                !ended && ended.error() != errc::would_block)
                return fail(ended.error());
        return {};
    };
    multipart asked;
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                multipart whole;
                for (int number = 0; number < 10; ++number)
                    SLK_TRY(whole.add(std::string_view("part")));
                SLK_TRY(client->send(std::move(whole), moment));
                return move();
            },
            [&] { return worker->receive(asked, moment); }))
        return wrong;
    multipart answered;
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                multipart whole;
                SLK_TRY(whole.add(std::string_view(named.routing_id)));
                SLK_TRY(whole.add(std::string_view("answer")));
                SLK_TRY(worker->send(std::move(whole), moment));
                return move();
            },
            [&]() -> result<void> {
                SLK_TRY(move());
                return client->receive(answered, moment);
            }))
        return wrong;
    in_library([&] { between = fail(errc::cancelled, phase::none); });
    end(tap);
    end(worker);
    end(back);
    end(front);
    end(client);
    end(in);
    return nullptr;
}

} // namespace

TEST_CASE("a proxy lives with a failing allocation")
{
    run_matrix("proxy", [] { return queue_between("tcp://127.0.0.1:*", false); });
    run_matrix("proxy_copied", [] { return queue_between("tcp://127.0.0.1:*", true); });
    run_matrix("proxy_inproc", [] { return queue_between("inproc://clients", false); });
}

} // namespace slk::testing
