// SPDX-License-Identifier: MPL-2.0

// Lives of PUB and SUB in which allocations fail.

#include "worlds.hpp"

#include <doctest/doctest.h>

#include <string>

namespace slk::testing {

namespace {

const char* pub_and_sub(const char* where, int threads, bool pub_binds)
{
    auto in = new_context(threads);
    EXPECT(in);
    auto from = new_socket<pub>(*in, quick());
    EXPECT(from);
    auto to = new_socket<sub>(*in, quick());
    EXPECT(to);
    static const std::string longer(320, 't');
    for (std::size_t size = 300; size < longer.size(); ++size)
        EXPECT(insist([&] { return to->subscribe(std::string_view(longer).substr(0, size)); }));
    socket& bound = pub_binds ? static_cast<socket&>(*from) : *to;
    socket& connecting = pub_binds ? static_cast<socket&>(*to) : *from;
    const auto at = insist([&] { return bound.bind(where); });
    EXPECT(at);
    EXPECT(insist([&] { return connecting.connect(*at); }));
    EXPECT(insist([&] { return to->subscribe(""); }));
    EXPECT(insist([&] { return to->subscribe("taken back"); }));
    EXPECT(insist([&] { return to->unsubscribe("taken back"); }));
    (void)in_library([&] { return from->wait_subscribers("", 1, moment); });
    if (const char* const wrong = all_kinds_of_messages<pub, sub>(*from, *to))
        return wrong;
    // Only some of the messages are wanted.
    EXPECT(insist([&] { return to->unsubscribe(""); }));
    EXPECT(insist([&] { return to->subscribe("wanted"); }));
    message one;
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                SLK_TRY(from->send(std::string_view("not this"), moment));
                SLK_TRY(from->send(std::string_view("wanted"), moment));
                return {};
            },
            [&] { return to->receive(one, moment); }))
        return wrong;
    ask_everything(*from);
    ask_everything(*to);
    end(from);
    end(to);
    end(in);
    return nullptr;
}

} // namespace

TEST_CASE("PUB and SUB of a context without threads live with a failing allocation")
{
    run_matrix("pub_sub", [] { return pub_and_sub("tcp://127.0.0.1:*", 0, true); });
    run_matrix("pub_sub_connecting", [] { return pub_and_sub("tcp://127.0.0.1:*", 0, false); });
}

TEST_CASE("PUB and SUB of a context with a thread live with a failing allocation")
{
    run_matrix("pub_sub_with_threads", [] { return pub_and_sub("tcp://127.0.0.1:*", 1, true); });
}

TEST_CASE("PUB and SUB over inproc live with a failing allocation")
{
    run_matrix("pub_sub_inproc", [] { return pub_and_sub("inproc://news-of-the-day", 0, true); });
}

} // namespace slk::testing
