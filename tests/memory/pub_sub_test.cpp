// SPDX-License-Identifier: MPL-2.0

// Lives of PUB and SUB in which allocations fail.

#include "worlds.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace slk::testing {

namespace {

const char* pub_and_sub(const char* where, int threads, bool pub_binds)
{
    auto in = new_context(threads);
    EXPECT(in);
    socket_options publishing = quick();
    publishing.expires_after = std::chrono::hours(1);
    auto from = new_socket<pub>(*in, publishing);
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
    EXPECT(insist([&] { return to->psubscribe("a pattern * of more than a few bytes"); }));
    EXPECT(insist([&] { return to->psubscribe("a pattern * of more than a few bytes"); }));
    EXPECT(insist([&] { return to->psubscribe("taken back, too *"); }));
    EXPECT(insist([&] { return to->punsubscribe("taken back, too *"); }));
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

const char* xpub_and_xsub(const char* where, int threads, bool xpub_binds)
{
    auto in = new_context(threads);
    EXPECT(in);
    auto at = new_socket<xpub>(*in, quick());
    EXPECT(at);
    auto from = new_socket<xsub>(*in, quick());
    EXPECT(from);
    EXPECT(insist([&] { return from->send(std::string_view("\1before")); }));
    socket& bound = xpub_binds ? static_cast<socket&>(*at) : *from;
    socket& connecting = xpub_binds ? static_cast<socket&>(*from) : *at;
    const auto there = insist([&] { return bound.bind(where); });
    EXPECT(there);
    EXPECT(insist([&] { return connecting.connect(*there); }));
    static const std::string longer = "\1" + std::string(400, 't');
    EXPECT(insist([&] { return from->send(std::string_view(longer)); }));
    EXPECT(insist([&] { return from->send(std::string_view("\1")); }));
    (void)in_library([&] { return at->wait_subscribers("", 1, moment); });
    if (const char* const wrong = all_kinds_of_messages<xpub, xsub>(*at, *from))
        return wrong;
    multipart whole;
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                multipart parts;
                for (const std::size_t size : {1U, 0U, 300U})
                    SLK_TRY(parts.add(std::string_view(longer).substr(1, size)));
                SLK_TRY(from->send(std::move(parts)));
                return {};
            },
            [&] { return at->receive(whole, moment); }))
        return wrong;
    ask_everything(*at);
    ask_everything(*from);
    end(from);
    // What its end has left to be reported.
    message report;
    while (const auto got = in_library([&] { return at->receive(report, no_wait); })) {
    }
    end(at);
    end(in);
    return nullptr;
}

const char* sharded()
{
    auto in = new_context(0);
    EXPECT(in);
    const pub_options options = quick(pub_options{});
    auto news = insist_with(options, [&](pub_options given) {
        return sharded_pubsub::create(*in, 3, std::move(given));
    });
    EXPECT(news);
    auto to = new_socket<sub>(*in, quick());
    EXPECT(to);
    static const std::string channel(100, 'c');
    EXPECT(insist([&] { return news->subscribe(*to, channel); }));
    EXPECT(insist([&] { return news->subscribe(*to, "another channel"); }));
    multipart whole;
    if (const char* const wrong = gets_through([&] { return news->publish(channel, "a message"); },
                                               [&] { return to->receive(whole, moment); }))
        return wrong;
    EXPECT(insist([&] { return news->set_send_high_water_mark(7); }));
    EXPECT(insist([&] { return news->unsubscribe(*to, channel); }));
    end(to);
    in_library([&] { news = fail(errc::cancelled, phase::none); });
    end(in);
    return nullptr;
}

/// So many that a loop queues for them.
const char* fanned_out()
{
    constexpr std::size_t count = 9;
    auto in = new_context(1);
    EXPECT(in);
    auto from = new_socket<pub>(*in, quick());
    EXPECT(from);
    const auto at = insist([&] { return from->bind("tcp://127.0.0.1:*"); });
    EXPECT(at);
    std::vector<result<sub>> subscribers;
    subscribers.reserve(count);
    for (std::size_t number = 0; number < count; ++number) {
        auto& to = subscribers.emplace_back(new_socket<sub>(*in, quick()));
        EXPECT(to);
        EXPECT(insist([&] { return to->subscribe(""); }));
        EXPECT(insist([&] { return to->connect(*at); }));
    }
    (void)in_library([&] { return from->wait_subscribers("", count, moment); });
    const auto send_some = [&]() -> result<void> {
        for (int number = 0; number < 40; ++number)
            SLK_TRY(from->send(std::string_view("news of the day"), moment));
        return {};
    };
    // In turns, so that each reads all before the next ones are queued.
    message one;
    for (int turn = 0; turn < 3; ++turn)
        for (auto& to : subscribers)
            if (const char* const wrong =
                    gets_through(send_some, [&] { return to->receive(one, moment); }))
                return wrong;
    for (auto& to : subscribers)
        end(to);
    end(from);
    end(in);
    return nullptr;
}

const char* brokered()
{
    auto in = new_context(0);
    EXPECT(in);
    auto broker = insist([&] {
        return pubsub_broker::create(*in, "inproc://the-front-of-the-broker",
                                     "inproc://the-back-of-the-broker");
    });
    EXPECT(broker);
    auto from = new_socket<pub>(*in, quick());
    auto to = new_socket<sub>(*in, quick());
    EXPECT(from && to);
    EXPECT(insist([&] { return from->connect("inproc://the-front-of-the-broker"); }));
    EXPECT(insist([&] { return to->connect("inproc://the-back-of-the-broker"); }));
    EXPECT(insist([&] { return to->subscribe("news"); }));
    message one;
    const auto run = [&] { (void)in_library([&] { return broker->run(no_wait); }); };
    if (const char* const wrong = gets_through(
            [&] {
                run();
                return from->send(std::string_view("news of the day"), no_wait);
            },
            [&] {
                run();
                return to->receive(one, no_wait);
            }))
        return wrong;
    end(from);
    end(to);
    in_library([&] { broker = fail(errc::cancelled, phase::none); });
    end(in);
    return nullptr;
}

const char* started_broker()
{
    auto in = new_context(1);
    EXPECT(in);
    const pubsub_broker_options later{.bind_at_start = true};
    auto broker = insist([&] {
        return pubsub_broker::create(*in, "inproc://the-front-of-the-broker",
                                     "inproc://the-back-of-the-broker", later);
    });
    EXPECT(broker);
    EXPECT(insist([&] { return broker->start(); }));
    in_library([&] { broker->stop(); });
    in_library([&] { broker = fail(errc::cancelled, phase::none); });
    end(in);
    return nullptr;
}

const char* clustered()
{
    auto in = new_context(0);
    EXPECT(in);
    xsub_options options = quick(xsub_options{});
    auto cluster = insist_with(
        options, [&](xsub_options given) { return pubsub_cluster::create(*in, std::move(given)); });
    EXPECT(cluster);
    auto first = new_socket<xpub>(*in, quick());
    auto second = new_socket<xpub>(*in, quick());
    EXPECT(first && second);
    EXPECT(insist([&] { return first->bind("inproc://the-first-of-the-nodes"); }));
    EXPECT(insist([&] { return second->bind("inproc://the-second-of-the-nodes"); }));
    static const std::string channel(100, 'c'), pattern(60, 'p');
    EXPECT(insist([&] { return cluster->subscribe(channel); }));
    EXPECT(insist([&] { return cluster->psubscribe("a pattern * of more than a few bytes"); }));
    EXPECT(insist([&] { return cluster->add_node("inproc://the-first-of-the-nodes"); }));
    EXPECT(insist([&] { return cluster->subscribe("another channel"); }));
    EXPECT(insist([&] { return cluster->subscribe("one more channel"); }));
    EXPECT(insist([&] { return cluster->psubscribe(pattern); }));
    EXPECT(insist([&] { return cluster->add_node("inproc://the-second-of-the-nodes"); }));
    // All or nothing: what was moved is at one node.
    const auto at = insist([&] { return cluster->node_of(channel); });
    EXPECT(at);
    xpub& owner = *at == "inproc://the-first-of-the-nodes" ? *first : *second;
    const auto nodes = insist([&] { return cluster->nodes(); });
    EXPECT(nodes && nodes->size() == 2);
    message name, data;
    multipart whole;
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                SLK_TRY(whole.add(std::string_view(channel)));
                SLK_TRY(whole.add(std::string_view("data")));
                SLK_TRY(owner.send(std::move(whole), moment));
                return {};
            },
            [&] { return cluster->receive(name, data, moment); }))
        return wrong;
    message report;
    if (const char* const wrong = gets_through([&] { return cluster->publish(channel, channel); },
                                               [&]() -> result<void> {
                                                   do
                                                       SLK_TRY(owner.receive(report, no_wait));
                                                   while (report.text() != channel);
                                                   return {};
                                               }))
        return wrong;
    EXPECT(insist([&] { return subscribed_topics(*in, "*channel"); }));
    EXPECT(insist([&] { return subscriber_count(*in, channel); }));
    EXPECT(insist([&] { return pattern_count(*in); }));
    EXPECT(insist([&] { return cluster->unsubscribe("another channel"); }));
    EXPECT(insist([&] { return cluster->punsubscribe(pattern); }));
    EXPECT(insist([&] { return cluster->remove_node("inproc://the-first-of-the-nodes"); }));
    in_library([&] { cluster = fail(errc::cancelled, phase::none); });
    end(first);
    end(second);
    end(in);
    return nullptr;
}

} // namespace

TEST_CASE("XPUB and XSUB live with a failing allocation")
{
    run_matrix("xpub_xsub", [] { return xpub_and_xsub("tcp://127.0.0.1:*", 0, true); });
    run_matrix("xpub_xsub_connecting", [] { return xpub_and_xsub("tcp://127.0.0.1:*", 0, false); });
    run_matrix("xpub_xsub_with_threads",
               [] { return xpub_and_xsub("tcp://127.0.0.1:*", 1, true); });
    run_matrix("xpub_xsub_inproc", [] { return xpub_and_xsub("inproc://upstream", 0, true); });
}

TEST_CASE("PUB and SUB of a context without threads live with a failing allocation")
{
    run_matrix("pub_sub", [] { return pub_and_sub("tcp://127.0.0.1:*", 0, true); });
    run_matrix("pub_sub_connecting", [] { return pub_and_sub("tcp://127.0.0.1:*", 0, false); });
}

TEST_CASE("a PUB with many SUBs lives with a failing allocation")
{
    run_matrix("fanned_out", fanned_out);
}

TEST_CASE("PUB and SUB of a context with a thread live with a failing allocation")
{
    run_matrix("pub_sub_with_threads", [] { return pub_and_sub("tcp://127.0.0.1:*", 1, true); });
}

TEST_CASE("sharded publishers and brokers live with a failing allocation")
{
    run_matrix("sharded", sharded);
    run_matrix("brokered", brokered);
    run_matrix("started_broker", started_broker);
}

TEST_CASE("clusters live with a failing allocation")
{
    run_matrix("clustered", clustered);
}

TEST_CASE("PUB and SUB over inproc live with a failing allocation")
{
    run_matrix("pub_sub_inproc", [] { return pub_and_sub("inproc://news-of-the-day", 0, true); });
}

} // namespace slk::testing
