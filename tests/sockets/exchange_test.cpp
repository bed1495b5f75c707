// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

struct place {
    int threads;
    const char* endpoint;
};

const std::vector<place>& places()
{
    static const std::vector<place> all{
        {1, "tcp://127.0.0.1:*"}, {0, "tcp://127.0.0.1:*"}, {2, "tcp://127.0.0.1:*"},
        {1, "inproc://here"},     {0, "inproc://here"},
#if !defined(_WIN32)
        {1, "ipc://*"},           {0, "ipc://*"},
#endif
    };
    return all;
}

} // namespace

TEST_CASE("messages of every size arrive whole and in order, over every transport, with a loop "
          "thread and without")
{
    for (const auto& [threads, where] : places()) {
        CAPTURE(threads);
        CAPTURE(where);
        auto in = new_context(threads);
        auto to = new_socket<pull>(in);
        auto from = new_socket<push>(in);
        bind_and_connect(to, from, where);
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65},
              std::size_t{255}, std::size_t{256}, std::size_t{8191}, std::size_t{8192},
              std::size_t{65536}, std::size_t{3'000'000}}) {
            CAPTURE(size);
            std::string body(size, 'x');
            for (std::size_t at = 0; at < size; at += 97)
                body[at] = static_cast<char>('a' + at % 26);
            CHECK(must(from.send(std::string_view(body), test_timeout)) == send_outcome::queued);
            CHECK(receive_text(to) == body);
        }
    }
}

TEST_CASE("a message of parts is received whole, part by part or at once")
{
    for (const auto& [threads, where] : places()) {
        CAPTURE(threads);
        CAPTURE(where);
        auto in = new_context(threads);
        auto a = new_socket<pair>(in);
        auto b = new_socket<pair>(in);
        bind_and_connect(a, b, where);
        for (int round = 0; round < 2; ++round) {
            multipart whole;
            must(whole.add("one"));
            must(whole.add(""));
            must(whole.add(std::string(20'000, 'z')));
            must(b.send(std::move(whole), test_timeout));
            CHECK(whole.empty());
        }
        multipart got;
        must(a.receive(got, test_timeout));
        CHECK(texts_of(got) == std::vector<std::string>{"one", "", std::string(20'000, 'z')});
        message part;
        must(a.receive(part, test_timeout));
        CHECK(part.more());
        must(a.receive(part, no_wait));
        CHECK(part.more());
        CHECK(part.empty());
        must(a.receive(part, no_wait));
        CHECK_FALSE(part.more());
        CHECK(part.size() == 20'000);
    }
}

TEST_CASE("PUSH deals out in turn to those who are there, PULL takes one of each in turn")
{
    auto in = new_context();
    auto from = new_socket<push>(in);
    std::vector<pull> to;
    for (int count = 0; count < 3; ++count) {
        to.push_back(new_socket<pull>(in));
        bind_and_connect(to.back(), from);
    }
    for (const char* const word : {"0", "1", "2", "3", "4", "5", "6"})
        must(from.send(word, test_timeout));
    const std::vector<std::string> expected[] = {{"0", "3", "6"}, {"1", "4"}, {"2", "5"}};
    for (std::size_t number = 0; number < 3; ++number)
        for (const std::string& word : expected[number])
            CHECK(receive_text(to[number]) == word);
}

TEST_CASE("a batch is queued in order, and says how much of it there was room for")
{
    auto in = new_context();
    push_options options;
    options.send_high_water_mark = 5;
    auto from = new_socket<push>(in, options);
    must(from.connect("tcp://127.0.0.1:1"));
    std::vector<message> batch;
    for (int number = 0; number < 8; ++number)
        batch.push_back(message_of(std::to_string(number)));
    CHECK(must(from.send_batch(batch, no_wait)) == 5);
    CHECK(batch[4].empty());
    CHECK(batch[5].text() == "5");
    CHECK(code_of(from.send_batch(std::span(batch).subspan(5), no_wait)) == errc::would_block);

    auto to = new_socket<pull>(in);
    bind_and_connect(to, from);
    CHECK(must(from.send_batch(std::span(batch).subspan(5), test_timeout)) == 3);
    std::vector<message> got(8);
    std::size_t count = 0;
    while (count < 3)
        count += must(to.receive_batch(std::span(got).subspan(count), test_timeout));
    CHECK(got[0].text() == "5");
    CHECK(got[2].text() == "7");
}

TEST_CASE("a message that was not queued is still the caller's")
{
    auto in = new_context();
    auto from = new_socket<push>(in);
    auto whole = message_of("still here");
    CHECK(code_of(from.send(std::move(whole), no_wait)) == errc::would_block);
    CHECK(whole.text() == "still here");
    multipart parts;
    must(parts.add("a"));
    must(parts.add("b"));
    CHECK(code_of(from.send(std::move(parts), short_timeout)) == errc::timed_out);
    CHECK(parts.size() == 2);
    CHECK(code_of(from.send(multipart(), no_wait)) == errc::invalid_argument);
}

TEST_CASE("the memory of an adopted message is given back once everything of it was sent")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in);
    bind_and_connect(to, from);
    static std::atomic<int> released;
    released = 0;
    const std::vector<std::byte> memory(100'000, std::byte{7});
    auto whole =
        must(message::adopt(memory, [](std::span<const std::byte>, void*) { ++released; }));
    must(from.send(std::move(whole), test_timeout));
    CHECK(receive_text(to).size() == memory.size());
    CHECK(until([] { return released == 1; }));
}

TEST_CASE("who connects first waits for who binds, over every transport")
{
    for (const int threads : {0, 1}) {
        auto in = new_context(threads);
        auto from = new_socket<push>(in, reconnect_at_once());
        must(from.connect("inproc://later"));
        must(from.send("early", no_wait));
        auto to = new_socket<pull>(in);
        CHECK(must(to.bind("inproc://later")) == "inproc://later");
        CHECK(receive_text(to) == "early");

        std::string free_port;
        {
            auto probe = new_socket<pull>(in);
            free_port = must(probe.bind(any_tcp));
        }
        auto late = new_socket<push>(in, reconnect_at_once());
        must(late.connect(free_port));
        must(late.send("early too", no_wait));
        must(to.bind(free_port));
        CHECK(receive_text(to) == "early too");
    }
}

TEST_CASE("a socket that was moved from, or closed, says so")
{
    auto in = new_context();
    auto first = new_socket<pair>(in);
    auto second = std::move(first);
    CHECK(code_of(first.send("x", no_wait)) == errc::invalid_state);
    CHECK(code_of(first.bind("inproc://x")) == errc::invalid_state);
    (void)second.close(0s);
    message got;
    CHECK(code_of(second.send("x", no_wait)) == errc::invalid_state);
    CHECK(code_of(second.receive(got, no_wait)) == errc::invalid_state);
    CHECK(code_of(second.connect("inproc://x")) == errc::invalid_state);
}
