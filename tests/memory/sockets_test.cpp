// SPDX-License-Identifier: MPL-2.0

// Lives of sockets, from create() to close(), in which allocations fail.

#include "worlds.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string_view>

namespace slk::testing {

namespace {

/// A pair of sockets at one endpoint.
template <class Binder, class Connecter, class Use, class Options = socket_options>
const char* pair_of(const char* where, int threads, Use use, const Options& binders = quick(),
                    const Options& connecters = quick())
{
    auto in = new_context(threads);
    EXPECT(in);
    auto to = new_socket<Binder>(*in, binders);
    EXPECT(to);
    auto from = new_socket<Connecter>(*in, connecters);
    EXPECT(from);
    const auto bound = insist([&] { return to->bind(where); });
    EXPECT(bound);
    EXPECT(insist([&] { return from->connect(*bound); }));
    if (const char* const wrong = use(*from, *to))
        return wrong;
    ask_everything(*from);
    ask_everything(*to);
    end(from);
    end(to);
    end(in);
    return nullptr;
}

template <class Options>
Options conflating(Options options = {})
{
    options.conflate = true;
    return options;
}

constexpr const char* tcp = "tcp://127.0.0.1:*";

const char* push_pull()
{
    return pair_of<pull, push>(tcp, 0, all_kinds_of_messages<push, pull>);
}

const char* push_pull_with_threads()
{
    return pair_of<pull, push>(tcp, 1, all_kinds_of_messages<push, pull>);
}

const char* dealers_over_ipc()
{
    return pair_of<dealer, dealer>("ipc://*", 0, all_kinds_of_messages<dealer, dealer>,
                                   quick(dealer_options{}), quick(dealer_options{}));
}

const char* pairs_over_inproc()
{
    return pair_of<pair, pair>("inproc://somewhere-with-a-long-name", 0,
                               all_kinds_of_messages<pair, pair>);
}

const char* conflating_sockets()
{
    const auto use = [](push& from, pull& to) -> const char* {
        for (int round = 0; round < 3; ++round) {
            message one;
            if (const char* const wrong = gets_through(
                    [&]() -> result<void> {
                        for (int number = 0; number < 5; ++number) {
                            multipart whole;
                            SLK_TRY(whole.add(std::string_view("a part")));
                            SLK_TRY(whole.add(std::string_view()));
                            SLK_TRY(from.send(std::move(whole), moment));
                        }
                        return {};
                    },
                    [&] { return to.receive(one, moment); }))
                return wrong;
            while (one.more() && in_library([&] { return to.receive(one, no_wait); })) {
            }
        }
        return nullptr;
    };
    return pair_of<pull, push>(tcp, 0, use, conflating(quick()), conflating(quick()));
}

const char* conflating_sockets_with_threads()
{
    const auto use = [](push& from, pull& to) -> const char* {
        message one;
        return gets_through([&] { return from.send(std::string_view("newest"), moment); },
                            [&] { return to.receive(one, moment); });
    };
    return pair_of<pull, push>(tcp, 1, use, conflating(quick()), conflating(quick()));
}

const char* conflating_inproc()
{
    auto in = new_context(0);
    EXPECT(in);
    auto from = new_socket<push>(*in, quick());
    EXPECT(from);
    // The name is connected to before it is bound, by a socket that does not conflate.
    EXPECT(insist([&] { return from->connect("inproc://a-name-that-is-not-short"); }));
    (void)in_library([&] { return from->send(std::string_view("first"), no_wait); });
    auto to = new_socket<pull>(*in, conflating(quick()));
    EXPECT(to);
    EXPECT(insist([&] { return to->bind("inproc://a-name-that-is-not-short"); }));
    message one;
    if (const char* const wrong =
            gets_through([&] { return from->send(std::string_view("second"), moment); },
                         [&] { return to->receive(one, moment); }))
        return wrong;
    ask_everything(*to);
    EXPECT(insist([&] { return to->unbind("inproc://a-name-that-is-not-short"); }));
    end(from);
    end(to);
    end(in);
    return nullptr;
}

socket_options with_properties(socket_options options)
{
    options.routing_id = "a routing id that has more than fifteen bytes";
    options.properties = {{"X-First", std::string(100, 'a')}, {"X-Second", std::string(50, 'b')}};
    return options;
}

const char* plain()
{
    socket_options server = with_properties(quick());
    server.security.mechanism = security_mechanism::plain_server;
    server.security.accepted = {{"somebody with a long name", "a password that is long as well"},
                                {"another one", "with another password, also long"}};
    socket_options client = with_properties(quick());
    client.security.mechanism = security_mechanism::plain_client;
    client.security.own = server.security.accepted.front();
    const auto use = [](push& from, pull& to) -> const char* {
        message one;
        if (const char* const wrong =
                gets_through([&] { return from.send(std::string_view("hello"), moment); },
                             [&] { return to.receive(one, moment); }))
            return wrong;
        auto changed = from.options();
        changed.send_high_water_mark = 7;
        EXPECT(insist([&] { return from.set_options(changed); }));
        EXPECT(insist([&] { return to.set_receive_high_water_mark(9); }));
        return gets_through([&] { return from.send(std::string_view("again"), moment); },
                            [&] { return to.receive(one, moment); });
    };
    return pair_of<pull, push>(tcp, 0, use, server, client);
}

const char* authenticator()
{
    socket_options server = quick();
    server.security.mechanism = security_mechanism::plain_server;
    const std::string only = "the user whose name is in the function";
    server.security.authenticator = [only](const authentication_request& asked) {
        return asked.user == only ? authentication_answer::accepted
                                  : authentication_answer::refused;
    };
    server.security.zap_domain = "a domain that is longer than fifteen bytes";
    socket_options client = quick();
    client.security.mechanism = security_mechanism::plain_client;
    client.security.own = {only, "secret"};
    const auto use = [](push& from, pull& to) -> const char* {
        message one;
        return gets_through([&] { return from.send(std::string_view("hello"), moment); },
                            [&] { return to.receive(one, moment); });
    };
    return pair_of<pull, push>(tcp, 1, use, server, client);
}

/// The message waits until an authenticator has answered, which `serve` may help with.
template <class Serve>
const char* let_in_later(context& in, const socket_options& server, const Serve& serve)
{
    socket_options client = quick();
    client.security.mechanism = security_mechanism::plain_client;
    client.security.own = {"a user whose name is not short", "secret"};
    auto to = new_socket<pull>(in, server);
    auto from = new_socket<push>(in, client);
    EXPECT(to && from);
    const auto bound = insist([&] { return to->bind(tcp); });
    EXPECT(bound);
    EXPECT(insist([&] { return from->connect(*bound); }));
    message one;
    if (const char* const wrong =
            gets_through([&] { return from->send(std::string_view("hello"), moment); },
                         [&] {
                             serve();
                             return to->receive(one, moment);
                         }))
        return wrong;
    ask_everything(*to);
    end(from);
    end(to);
    return nullptr;
}

const char* late_authenticator()
{
    auto in = new_context(0);
    EXPECT(in);
    std::optional<pending_authentication> waiting;
    socket_options server = quick();
    server.security.mechanism = security_mechanism::plain_server;
    server.security.authenticator = [&waiting](const authentication_request& asked) {
        waiting = asked.answer_later();
        return std::nullopt;
    };
    const char* const wrong = let_in_later(*in, server, [&] {
        if (waiting)
            (void)waiting->answer(authentication_answer::accepted);
    });
    end(in);
    return wrong;
}

const char* zap_handler()
{
    auto in = new_context(0);
    EXPECT(in);
    auto handler = new_socket<rep>(*in, quick(rep_options{}));
    EXPECT(handler);
    EXPECT(insist([&] { return handler->bind("inproc://zeromq.zap.01"); }));
    socket_options server = quick();
    server.security.mechanism = security_mechanism::plain_server;
    server.security.zap = zap_use::when_bound;
    server.security.zap_domain = "a domain that is longer than fifteen bytes";
    // A handler that had no memory for a request never answers it: the client asks again.
    server.handshake_timeout = std::chrono::milliseconds(500);
    bool due = false;
    const char* const wrong = let_in_later(*in, server, [&] {
        for (message part; !due && handler->receive(part, no_wait);)
            due = !part.more();
        multipart reply;
        for (const std::string_view each :
             {"1.0", "1", "200", "", "a user id that is not short", ""})
            if (!reply.add(each))
                return;
        if (due)
            due = !handler->send(std::move(reply), no_wait);
    });
    end(handler);
    end(in);
    return wrong;
}

/// A ROUTER and two DEALERs, one of which it has a name for.
const char* routers(int threads)
{
    auto in = new_context(threads);
    EXPECT(in);
    router_options asked = quick(router_options{});
    asked.notify_connect = asked.notify_disconnect = true;
    asked.handover = true;
    asked.probe_router = true;
    auto center = new_socket<router>(*in, asked);
    EXPECT(center);
    dealer_options named = quick(dealer_options{});
    named.routing_id = "a dealer whose id has more than fifteen bytes";
    auto first = new_socket<dealer>(*in, named);
    auto second = new_socket<dealer>(*in, quick(dealer_options{}));
    EXPECT(first && second);
    const auto bound = insist([&] { return center->bind(tcp); });
    EXPECT(bound);
    const auto other = insist([&] { return second->bind(tcp); });
    EXPECT(other);
    EXPECT(insist([&] { return first->connect(*bound); }));
    connect_options how;
    how.routing_id = "the name that the router gives to its peer";
    EXPECT(insist([&] { return center->connect(*other, how); }));

    peer_id from;
    message one;
    const auto receive = [&]() -> result<void> {
        for (;;) {
            SLK_TRY(const router_event what, center->receive(from, one, moment));
            if (what == router_event::message && one.size() > 0)
                return {};
        }
    };
    if (const char* const wrong = gets_through(
            [&] { return first->send(std::string_view("from first"), moment); }, receive))
        return wrong;
    const peer_id back = from;
    const peer_id to_first{named.routing_id, 0};
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                auto sent = center->send(to_first, std::string_view("back to the first"), moment);
                if (!sent && sent.error() != errc::no_route)
                    return fail(sent.error());
                return {};
            },
            [&]() -> result<void> {
                do
                    SLK_TRY(first->receive(one, moment));
                while (one.empty());
                return {};
            }))
        return wrong;
    const peer_id known{how.routing_id, 0};
    if (const char* const wrong = gets_through(
            [&] { return center->send(known, std::string_view("to the second"), moment); },
            [&]() -> result<void> {
                do
                    SLK_TRY(second->receive(one, moment));
                while (one.empty());
                return {};
            }))
        return wrong;
    ask_everything(*center);
    in_library([&] { (void)center->disconnect_peer(back); });
    in_library([&] { (void)center->has_room(known); });
    multipart whole;
    if (const char* const wrong = gets_through(
            [&] { return first->send(std::string_view("again"), moment); },
            [&]() -> result<void> {
                for (;;) {
                    SLK_TRY(const router_event what, center->receive(from, whole, moment));
                    if (what == router_event::message && !whole[0].empty())
                        return {};
                }
            }))
        return wrong;
    EXPECT(insist([&] { return center->disconnect(*other); }));
    end(first);
    end(second);
    end(center);
    end(in);
    return nullptr;
}

const char* routers_by_caller()
{
    return routers(0);
}

const char* routers_with_threads()
{
    return routers(2);
}

/// STREAMs, of which one closes the other.
const char* streams(int threads)
{
    auto in = new_context(threads);
    EXPECT(in);
    stream_options small = quick(stream_options{});
    small.max_chunk_size = 1000;
    auto to = new_socket<stream_socket>(*in, small);
    auto from = new_socket<stream_socket>(*in, quick(stream_options{}));
    EXPECT(to && from);
    const auto bound = insist([&] { return to->bind(tcp); });
    EXPECT(bound);
    connect_options how;
    how.routing_id = "the name that the client gives to its server";
    EXPECT(insist([&] { return from->connect(*bound, how); }));
    peer_id client, server;
    const peer_id known{how.routing_id, 0};
    const auto receive_of = [](stream_socket& at, peer_id& peer) -> result<void> {
        message one;
        do
            SLK_TRY(at.receive(peer, one, moment));
        while (one.empty());
        return {};
    };
    const auto send_of = [](stream_socket& at, const peer_id& peer,
                            std::string_view bytes) -> result<void> {
        const auto sent = at.send(peer, bytes, moment);
        // It comes again; or this side does not know yet that it has.
        if (!sent && sent.error() != errc::no_route && sent.error() != errc::peer_replaced)
            return fail(sent.error());
        return {};
    };
    const std::string much(50'000, 'x');
    if (const char* const wrong = gets_through([&] { return send_of(*from, known, much); },
                                               [&] { return receive_of(*to, client); }))
        return wrong;
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                (void)receive_of(*to, client);
                SLK_TRY(send_of(*from, known, "again"));
                return send_of(*to, client, "an answer");
            },
            [&] { return receive_of(*from, server); }))
        return wrong;
    ask_everything(*to);
    ask_everything(*from);
    (void)in_library([&] { return from->close_peer(known); });
    (void)in_library([&] { return to->send(client, std::string_view()); });
    (void)in_library([&] { return receive_of(*to, client); });
    end(from);
    end(to);
    end(in);
    return nullptr;
}

const char* streams_by_caller()
{
    return streams(0);
}

const char* streams_with_threads()
{
    return streams(1);
}

/// The peer goes and comes back; endpoints are taken back in other spellings.
const char* coming_and_going()
{
    auto in = new_context(0);
    EXPECT(in);
    auto from = new_socket<push>(*in, quick());
    EXPECT(from);
    auto to = new_socket<pull>(*in, quick());
    EXPECT(to);
    const auto bound = insist([&] { return to->bind(tcp); });
    EXPECT(bound);
    EXPECT(insist([&] { return from->connect(*bound); }));
    message one;
    const auto send = [&] { return from->send(std::string_view("a message"), moment); };
    const auto receive = [&] { return to->receive(one, moment); };
    if (const char* const wrong = gets_through(send, receive))
        return wrong;
    for (int round = 0; round < 2; ++round) {
        EXPECT(insist([&] { return to->unbind(*bound); }));
        EXPECT(insist([&] { return to->bind(*bound); }));
        if (const char* const wrong = gets_through(send, receive))
            return wrong;
    }
    const std::string spelled = "tcp://127.0.0.1:0" + bound->substr(bound->rfind(':') + 1);
    EXPECT(insist([&] { return from->disconnect(spelled, 10ms); }));
    EXPECT(insist([&] { return from->connect(*bound); }));
    if (const char* const wrong = gets_through(send, receive))
        return wrong;
    end(from);
    end(to);
    end(in);
    return nullptr;
}

/// Endpoints that are taken back, and sockets that are closed, in the background.
const char* background(int threads)
{
    auto in = new_context(threads);
    EXPECT(in);
    auto to = new_socket<pull>(*in, quick());
    EXPECT(to);
    auto from = new_socket<push>(*in, quick());
    EXPECT(from);
    const auto bound = insist([&] { return to->bind(tcp); });
    EXPECT(bound);
    EXPECT(insist([&] { return from->connect(*bound); }));
    message one;
    const auto send = [&] { return from->send(std::string_view("a message"), moment); };
    const auto receive = [&] { return to->receive(one, moment); };
    if (const char* const wrong = gets_through(send, receive))
        return wrong;
    (void)in_library([&] { return from->send(std::string_view("a message"), moment); });
    EXPECT(insist([&] { return from->disconnect_in_background(*bound, 10ms); }));
    EXPECT(insist([&] { return from->connect(*bound); }));
    if (const char* const wrong = gets_through(send, receive))
        return wrong;
    EXPECT(insist([&] { return to->stop_listening(*bound); }));
    EXPECT(insist([&] { return to->bind(*bound); }));
    if (const char* const wrong = gets_through(send, receive))
        return wrong;
    (void)in_library([&] { return from->send(std::string_view("a message"), moment); });
    in_library([&] { from->close_in_background(20ms); });
    in_library([&] { to->close_in_background(20ms); });
    EXPECT(insist([&] { return in->wait_closed(10s); }));
    in_library([&] { from = fail(errc::cancelled, phase::none); });
    in_library([&] { to = fail(errc::cancelled, phase::none); });
    end(in);
    return nullptr;
}

const char* background_by_caller()
{
    return background(0);
}

const char* background_with_threads()
{
    return background(1);
}

/// wait() with sockets and with descriptors, and the handles for other event loops.
const char* waiting(int threads)
{
    auto in = new_context(threads);
    EXPECT(in);
    auto from = new_socket<push>(*in, quick());
    EXPECT(from);
    auto to = new_socket<pull>(*in, quick());
    EXPECT(to);
    const auto bound = insist([&] { return to->bind(tcp); });
    EXPECT(bound);
    EXPECT(insist([&] { return from->connect(*bound); }));
    message one;
    wait_item items[] = {{.on = &*to}, {.on = &*from, .to_send = true}};
    const auto send = [&] { return from->send(std::string_view("a message"), moment); };
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                SLK_TRY(send());
                SLK_TRY(slk::wait(items, moment));
                return {};
            },
            [&] { return to->receive(one, moment); }))
        return wrong;
    const auto handle = insist([&] { return to->event_handle(); });
    if (!handle) {
        EXPECT(handle.error() == errc::not_supported);
    } else {
        wait_item mixed[] = {{.on = &*to}, {.descriptor = *handle}};
        if (const char* const wrong = gets_through(
                [&]() -> result<void> {
                    SLK_TRY(send());
                    SLK_TRY(slk::wait(mixed, moment));
                    return {};
                },
                [&] { return to->receive(one, moment); }))
            return wrong;
    }
    end(from);
    end(to);
    end(in);
    return nullptr;
}

const char* waiting_by_caller()
{
    return waiting(0);
}

const char* waiting_with_threads()
{
    return waiting(1);
}

} // namespace

TEST_CASE("PUSH and PULL of a context without threads live with a failing allocation")
{
    run_matrix("push_pull", push_pull);
}

TEST_CASE("PUSH and PULL of a context with a thread live with a failing allocation")
{
    run_matrix("push_pull_with_threads", push_pull_with_threads);
}

TEST_CASE("DEALERs over ipc live with a failing allocation")
{
    run_matrix("dealers_over_ipc", dealers_over_ipc);
}

TEST_CASE("PAIRs over inproc live with a failing allocation")
{
    run_matrix("pairs_over_inproc", pairs_over_inproc);
}

TEST_CASE("conflating sockets live with a failing allocation")
{
    run_matrix("conflating_sockets", conflating_sockets);
    run_matrix("conflating_sockets_with_threads", conflating_sockets_with_threads);
    run_matrix("conflating_inproc", conflating_inproc);
}

TEST_CASE("sockets with PLAIN, properties and routing ids live with a failing allocation")
{
    run_matrix("plain", plain);
    run_matrix("authenticator", authenticator);
    run_matrix("late_authenticator", late_authenticator);
    run_matrix("zap_handler", zap_handler);
}

TEST_CASE("a ROUTER and its peers live with a failing allocation")
{
    run_matrix("routers_by_caller", routers_by_caller);
    run_matrix("routers_with_threads", routers_with_threads);
}

TEST_CASE("STREAMs live with a failing allocation")
{
    run_matrix("streams_by_caller", streams_by_caller);
    run_matrix("streams_with_threads", streams_with_threads);
}

TEST_CASE("sockets that are closed in the background live with a failing allocation")
{
    run_matrix("background_by_caller", background_by_caller);
    run_matrix("background_with_threads", background_with_threads);
}

TEST_CASE("endpoints that come and go live with a failing allocation")
{
    run_matrix("coming_and_going", coming_and_going);
}

TEST_CASE("wait() and event handles live with a failing allocation")
{
    run_matrix("waiting_by_caller", waiting_by_caller);
    run_matrix("waiting_with_threads", waiting_with_threads);
}

} // namespace slk::testing
