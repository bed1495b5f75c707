// SPDX-License-Identifier: MPL-2.0

// Peers that go and come again, and peers that have to wait for a place, while allocations fail.

#include "worlds.hpp"

#include <doctest/doctest.h>

namespace slk::testing {

namespace {

constexpr const char* long_id = "a dealer whose id has more than fifteen bytes";
constexpr const char* long_name = "inproc://a-name-that-is-not-short";

dealer_options dealer_with_id()
{
    dealer_options options = quick(dealer_options{});
    options.routing_id = long_id;
    return options;
}

router_options router_with_notices()
{
    router_options options = quick(router_options{});
    options.notify_connect = options.notify_disconnect = true;
    options.on_reconnect = queue_policy::keep_newest;
    options.expires_after = std::chrono::hours(1);
    return options;
}

/// The next message that has a body, and no notice.
result<void> receive_text(router& at, peer_id& from, message& one)
{
    for (;;) {
        SLK_TRY(const router_event what, at.receive(from, one, moment));
        if (what == router_event::message && !one.empty())
            return {};
    }
}

/// A peer that is not there, or not yet, is no mistake.
result<void> send_to(router& at, const peer_id& to, std::string_view text)
{
    const auto sent = at.send(to, text, moment);
    if (!sent && sent.error() != errc::no_route && sent.error() != errc::peer_replaced)
        return fail(sent.error());
    return {};
}

/// A ROUTER that connects without a name to a DEALER that goes and comes again.
const char* router_and_dealer(const char* where, int threads)
{
    auto in = new_context(threads);
    EXPECT(in);
    auto center = new_socket<router>(*in, router_with_notices());
    EXPECT(center);
    std::string at = where;
    const peer_id known{long_id, 0};
    peer_id from;
    message one;
    for (int round = 0; round < 3; ++round) {
        auto peer = new_socket<dealer>(*in, dealer_with_id());
        EXPECT(peer);
        const auto bound = insist([&] { return peer->bind(at); });
        EXPECT(bound);
        if (round == 0) {
            at = *bound;
            EXPECT(insist([&] { return center->connect(at); }));
        }
        if (const char* const wrong =
                gets_through([&] { return peer->send(std::string_view("hello"), moment); },
                             [&] { return receive_text(*center, from, one); }))
            return wrong;
        if (const char* const wrong = gets_through([&] { return send_to(*center, known, "back"); },
                                                   [&] { return peer->receive(one, moment); }))
            return wrong;
        ask_everything(*center);
        // What is queued for the peer while it is away.
        end(peer);
        for (int number = 0; number < 3; ++number)
            (void)in_library([&] { return send_to(*center, known, "while it is away"); });
    }
    end(center);
    end(in);
    return nullptr;
}

const char* router_and_dealer_by_caller()
{
    return router_and_dealer("tcp://127.0.0.1:*", 0);
}

const char* router_and_dealer_with_threads()
{
    return router_and_dealer("tcp://127.0.0.1:*", 1);
}

const char* router_and_dealer_by_inproc()
{
    return router_and_dealer(long_name, 0);
}

/// A socket waits for the next one that binds the name, which conflates or does not.
const char* successors_by_inproc()
{
    auto in = new_context(0);
    EXPECT(in);
    socket_options of_sender = quick();
    of_sender.on_reconnect = queue_policy::keep_newest;
    of_sender.expires_after = std::chrono::hours(1);
    auto from = new_socket<push>(*in, of_sender);
    EXPECT(from);
    EXPECT(insist([&] { return from->connect(long_name); }));
    for (const bool conflates : {false, false, true}) {
        socket_options options = quick();
        options.conflate = conflates;
        auto to = new_socket<pull>(*in, options);
        EXPECT(to);
        EXPECT(insist([&] { return to->bind(long_name); }));
        message one;
        if (const char* const wrong =
                gets_through([&] { return from->send(std::string_view("hello"), moment); },
                             [&] { return to->receive(one, moment); }))
            return wrong;
        (void)in_library([&] { return from->send(std::string_view("for the next one"), moment); });
        end(to);
    }
    end(from);
    end(in);
    return nullptr;
}

/// Two DEALERs with one id: the second one has to wait until the first one has gone.
const char* one_place(const char* where, int threads)
{
    auto in = new_context(threads);
    EXPECT(in);
    auto center = new_socket<router>(*in, router_with_notices());
    EXPECT(center);
    const auto bound = insist([&] { return center->bind(where); });
    EXPECT(bound);
    auto first = new_socket<dealer>(*in, dealer_with_id());
    auto second = new_socket<dealer>(*in, dealer_with_id());
    EXPECT(first && second);
    peer_id from;
    message one;
    EXPECT(insist([&] { return first->connect(*bound); }));
    if (const char* const wrong =
            gets_through([&] { return first->send(std::string_view("first"), moment); },
                         [&] { return receive_text(*center, from, one); }))
        return wrong;
    EXPECT(insist([&] { return second->connect(*bound); }));
    (void)in_library([&] { return second->send(std::string_view("second"), moment); });
    (void)in_library([&] { return receive_text(*center, from, one); });
    end(first);
    if (const char* const wrong =
            gets_through([&] { return second->send(std::string_view("second"), moment); },
                         [&] { return receive_text(*center, from, one); }))
        return wrong;
    end(second);
    end(center);
    end(in);
    return nullptr;
}

const char* one_place_by_caller()
{
    return one_place("tcp://127.0.0.1:*", 0);
}

const char* one_place_with_threads()
{
    return one_place("tcp://127.0.0.1:*", 1);
}

const char* one_place_by_inproc()
{
    return one_place(long_name, 0);
}

/// The only place of a PAIR.
const char* pairs(const char* where)
{
    auto in = new_context(0);
    EXPECT(in);
    auto center = new_socket<pair>(*in, quick());
    EXPECT(center);
    const auto bound = insist([&] { return center->bind(where); });
    EXPECT(bound);
    for (int round = 0; round < 3; ++round) {
        auto peer = new_socket<pair>(*in, quick());
        EXPECT(peer);
        EXPECT(insist([&] { return peer->connect(*bound); }));
        message one;
        if (const char* const wrong =
                gets_through([&] { return peer->send(std::string_view("hello"), moment); },
                             [&] { return center->receive(one, moment); }))
            return wrong;
        for (int number = 0; number < 3; ++number)
            (void)in_library([&] { return center->send(std::string_view("unread"), moment); });
        end(peer);
    }
    end(center);
    end(in);
    return nullptr;
}

const char* pairs_over_tcp()
{
    return pairs("tcp://127.0.0.1:*");
}

const char* pairs_by_inproc()
{
    return pairs(long_name);
}

/// What is queued for a peer that goes is given to the other one, with all of its parts.
const char* queues_of_peers_that_go(int threads)
{
    auto in = new_context(threads);
    EXPECT(in);
    socket_options narrow = quick();
    narrow.receive_high_water_mark = 2;
    socket_options sending = quick();
    sending.expires_after = std::chrono::hours(1);
    auto from = new_socket<push>(*in, sending);
    auto first = new_socket<pull>(*in, narrow);
    auto second = new_socket<pull>(*in, quick());
    EXPECT(from && first && second);
    const auto bound = insist([&] { return first->bind("tcp://127.0.0.1:*"); });
    const auto other = insist([&] { return second->bind(long_name); });
    EXPECT(bound && other);
    EXPECT(insist([&] { return from->connect(*bound); }));
    static const std::string body(20'000, 'b');
    const auto send = [&]() -> result<void> {
        multipart whole;
        for (int part = 0; part < 20; ++part)
            SLK_TRY(whole.add(std::string_view(body).substr(0, part % 2 == 0 ? 3 : body.size())));
        SLK_TRY(from->send(std::move(whole), moment));
        return {};
    };
    message one;
    multipart whole;
    if (const char* const wrong = gets_through(send, [&] { return first->receive(whole, moment); }))
        return wrong;
    for (int number = 0; number < 30; ++number)
        (void)in_library(send);
    EXPECT(insist([&] { return from->connect(*other); }));
    end(first);
    EXPECT(insist([&] { return from->disconnect(*bound, 10ms); }));
    if (const char* const wrong =
            gets_through(send, [&] { return second->receive(whole, moment); }))
        return wrong;
    while (in_library([&] { return second->receive(one, no_wait); })) {
    }
    in_library([&] { (void)from->peers(); });
    end(from);
    end(second);
    end(in);
    return nullptr;
}

const char* queues_by_caller()
{
    return queues_of_peers_that_go(0);
}

const char* queues_with_threads()
{
    return queues_of_peers_that_go(1);
}

/// A peer comes again before what it has left was read.
const char* unread_messages()
{
    auto in = new_context(1);
    EXPECT(in);
    router_options narrow = router_with_notices();
    narrow.receive_high_water_mark = 3;
    auto center = new_socket<router>(*in, narrow);
    EXPECT(center);
    const auto bound = insist([&] { return center->bind("tcp://127.0.0.1:*"); });
    EXPECT(bound);
    peer_id from;
    message one;
    for (int round = 0; round < 3; ++round) {
        auto peer = new_socket<dealer>(*in, dealer_with_id());
        EXPECT(peer);
        EXPECT(insist([&] { return peer->connect(*bound); }));
        for (int number = 0; number < 10; ++number)
            (void)in_library([&] { return peer->send(std::string_view("unread"), moment); });
        if (const char* const wrong =
                gets_through([&] { return peer->send(std::string_view("hello"), moment); },
                             [&] { return receive_text(*center, from, one); }))
            return wrong;
        end(peer);
    }
    ask_everything(*center);
    end(center);
    end(in);
    return nullptr;
}

} // namespace

TEST_CASE("a ROUTER whose peer goes and comes again lives with a failing allocation")
{
    run_matrix("router_and_dealer_by_caller", router_and_dealer_by_caller);
    run_matrix("router_and_dealer_with_threads", router_and_dealer_with_threads);
    run_matrix("router_and_dealer_by_inproc", router_and_dealer_by_inproc);
}

TEST_CASE("a socket that waits for the next owner of a name lives with a failing allocation")
{
    run_matrix("successors_by_inproc", successors_by_inproc);
}

TEST_CASE("a peer that waits for its place lives with a failing allocation")
{
    run_matrix("one_place_by_caller", one_place_by_caller);
    run_matrix("one_place_with_threads", one_place_with_threads);
    run_matrix("one_place_by_inproc", one_place_by_inproc);
    run_matrix("pairs_over_tcp", pairs_over_tcp);
    run_matrix("pairs_by_inproc", pairs_by_inproc);
}

TEST_CASE("messages of a peer that goes are kept, or counted, although an allocation fails")
{
    run_matrix("queues_by_caller", queues_by_caller);
    run_matrix("queues_with_threads", queues_with_threads);
    run_matrix("unread_messages", unread_messages);
}

} // namespace slk::testing
