// SPDX-License-Identifier: MPL-2.0

// Lives of REQ and REP in which allocations fail.

#include "worlds.hpp"

#include <doctest/doctest.h>

#include <string>

namespace slk::testing {

namespace {

/// A message of `parts` parts, each with the text.
result<void> send_whole(auto& by, std::size_t parts, std::string_view text)
{
    multipart all;
    SLK_TRY(all.reserve(parts));
    for (std::size_t index = 0; index < parts; ++index)
        SLK_TRY(all.add(text));
    SLK_TRY(by.send(std::move(all), moment));
    return {};
}

/// One request and its reply, also when one of them was lost. Returns null, or what went wrong.
const char* ask_and_reply(req& ask, rep& reply, std::size_t parts, std::string_view text)
{
    bool due = false;
    multipart got;
    const auto serve = [&]() -> result<void> {
        // Requests that have no reply yet are replied to first; REQ discards those replies.
        for (timeout limit = moment;; limit = no_wait) {
            const auto received = due ? result<void>{} : reply.receive(got, limit);
            if (!received && received.error() == errc::would_block)
                return {};
            SLK_TRY(received);
            due = true;
            SLK_TRY(send_whole(reply, parts, text));
            due = false;
        }
    };
    return gets_through([&] { return send_whole(ask, parts, text); },
                        [&]() -> result<void> {
                            SLK_TRY(serve());
                            SLK_TRY(ask.receive(got, moment));
                            return got.size() == parts ? result<void>{}
                                                       : fail(errc::unknown, phase::transfer);
                        });
}

const char* req_and_rep(const char* where, int threads, bool rep_binds)
{
    auto in = new_context(threads);
    EXPECT(in);
    req_options options = quick();
    options.relaxed = options.correlate = true;
    auto ask = new_socket<req>(*in, options);
    EXPECT(ask);
    auto reply = new_socket<rep>(*in, quick());
    EXPECT(reply);
    socket& bound = rep_binds ? static_cast<socket&>(*reply) : *ask;
    socket& connecting = rep_binds ? static_cast<socket&>(*ask) : *reply;
    const auto at = insist([&] { return bound.bind(where); });
    EXPECT(at);
    EXPECT(insist([&] { return connecting.connect(*at); }));
    static const std::string bytes(40'000, 'x');
    for (const std::size_t parts : {1U, 9U})
        for (const std::size_t size : {5U, 200U, 40'000U})
            if (const char* const wrong =
                    ask_and_reply(*ask, *reply, parts, std::string_view(bytes).substr(0, size)))
                return wrong;
    ask_everything(*ask);
    ask_everything(*reply);
    end(ask);
    end(reply);
    end(in);
    return nullptr;
}

} // namespace

TEST_CASE("REQ and REP of a context without threads live with a failing allocation")
{
    run_matrix("req_rep", [] { return req_and_rep("tcp://127.0.0.1:*", 0, true); });
    run_matrix("req_rep_connecting", [] { return req_and_rep("tcp://127.0.0.1:*", 0, false); });
}

TEST_CASE("REQ and REP of a context with a thread live with a failing allocation")
{
    run_matrix("req_rep_with_threads", [] { return req_and_rep("tcp://127.0.0.1:*", 1, true); });
}

TEST_CASE("REQ and REP over inproc live with a failing allocation")
{
    run_matrix("req_rep_inproc", [] { return req_and_rep("inproc://questions", 0, true); });
}

} // namespace slk::testing
