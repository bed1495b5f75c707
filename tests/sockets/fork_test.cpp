// SPDX-License-Identifier: MPL-2.0

// fork(2): a child may end its copies of sockets and contexts, execute a program, and make new
// ones. The parent does not notice.

#include <serverlink/serverlink.hpp>

#include "support/forked.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>

#include <fcntl.h>
#include <sys/resource.h>

using namespace slk;
using namespace slk::testing;

namespace {

/// Two sockets of one context that have talked, with messages in all the queues.
struct talkers {
    explicit talkers(int threads) : in(new_context(threads))
    {
        endpoint = bind_and_connect(*server, *client);
        exchange();
        (void)server->event_handle();
        (void)events->event_handle();
        for (int number = 0; number < 3; ++number)
            must(client->send(message_of("queued"), test_timeout));
    }

    void exchange()
    {
        must(client->send(message_of("there"), test_timeout));
        CHECK(receive_text(*server) == "there");
        must(server->send(message_of("back"), test_timeout));
        CHECK(receive_text(*client) == "back");
    }

    /// What the parent goes on with.
    void check()
    {
        for (int number = 0; number < 3; ++number)
            CHECK(receive_text(*server) == "queued");
        for (int number = 0; number < 3; ++number)
            exchange();
        CHECK(events->next(test_timeout).has_value());
        // A connection that is made later is noticed too.
        auto late = new_socket<pair>(*in);
        auto later = new_socket<pair>(*in);
        (void)bind_and_connect(late, later);
        must(later.send(message_of("late"), test_timeout));
        CHECK(receive_text(late) == "late");
    }

    std::optional<context> in;
    std::optional<pair> server{new_socket<pair>(*in)};
    std::optional<pair> client{new_socket<pair>(*in)};
    std::optional<event_stream> events{must(event_stream::of(*in))};
    std::string endpoint;
};

[[nodiscard]] std::set<int> open_descriptors()
{
    std::set<int> open;
    for (int fd = 0; fd < 1024; ++fd)
        if (::fcntl(fd, F_GETFD) != -1)
            open.insert(fd);
    return open;
}

constexpr int every_thread_count[] = {0, 1, 2};

} // namespace

TEST_CASE("a child that destroys its copies of sockets and context leaves the parent's as they are")
{
    for (const int threads : every_thread_count) {
        for (const bool context_first : {false, true}) {
            CAPTURE(threads);
            CAPTURE(context_first);
            talkers parent(threads);
            CHECK(in_a_child([&] {
                      if (context_first)
                          parent.in.reset();
                      parent.client.reset();
                      parent.events.reset();
                      parent.server.reset();
                      parent.in.reset();
                      return 0;
                  }) == 0);
            parent.check();
        }
    }
}

TEST_CASE("a child that closes its copies of sockets does not wait, and the parent's go on")
{
    for (const int threads : every_thread_count) {
        CAPTURE(threads);
        talkers parent(threads);
        CHECK(in_a_child([&] {
                  const auto report = parent.client->close(60s);
                  if (!report.peers.empty())
                      return 1;
                  (void)parent.server->close(0s);
                  (void)parent.server->close(60s);
                  parent.in->shutdown();
                  return 0;
              }) == 0);
        parent.check();
    }
}

TEST_CASE("a child that closes its copies of sockets in the background has no effect on the parent")
{
    for (const int threads : every_thread_count) {
        CAPTURE(threads);
        talkers parent(threads);
        auto closed = new_socket<pair>(*parent.in);
        must(closed.connect("tcp://127.0.0.1:1"));
        must(closed.send("never", no_wait));
        closed.close_in_background(duration::max());
        CHECK(in_a_child([&] {
                  if (code_of(parent.client->disconnect_in_background(parent.endpoint, 60s)) !=
                          errc::forked ||
                      code_of(parent.server->stop_listening(parent.endpoint)) != errc::forked ||
                      code_of(parent.in->wait_closed(60s)) != errc::forked)
                      return 1;
                  parent.client->close_in_background(60s);
                  parent.in.reset();
                  parent.server->close_in_background(60s);
                  return 0;
              }) == 0);
        parent.check();
        CHECK(code_of(parent.in->wait_closed(no_wait)) == errc::would_block);
    }
}

TEST_CASE("a child that ends at once, or executes a program, leaves the parent as it is")
{
    for (const int threads : every_thread_count) {
        CAPTURE(threads);
        talkers parent(threads);
        CHECK(in_a_child([] { return 7; }) == 7);
        CHECK(in_a_child([] { return ::execl("/bin/sh", "sh", "-c", "exit 5", nullptr); }) == 5);
        parent.check();
    }
}

TEST_CASE("in a child every other call of an inherited socket and context fails as forked")
{
    for (const int threads : every_thread_count) {
        CAPTURE(threads);
        talkers parent(threads);
        CHECK(in_a_child([&] {
                  pair& socket = *parent.client;
                  message into;
                  const errc answers[] = {
                      code_of(socket.bind(any_tcp)),
                      code_of(socket.connect(parent.endpoint)),
                      code_of(socket.unbind(parent.endpoint, 0s)),
                      code_of(socket.disconnect(parent.endpoint, 0s)),
                      code_of(socket.wait_ready(1s)),
                      code_of(socket.event_handle()),
                      code_of(socket.set_options({})),
                      code_of(socket.send(message{}, 1s)),
                      code_of(socket.receive(into, 1s)),
                      code_of(pair::create(*parent.in)),
                      code_of(event_stream::of(*parent.in)),
                      code_of(event_stream::of(socket)),
                      code_of(parent.events->next(1s)),
                      code_of(parent.events->event_handle()),
                  };
                  int number = 1;
                  for (const errc each : answers) {
                      if (each != errc::forked)
                          return number;
                      ++number;
                  }
                  const auto seen = socket.events();
                  const bool quiet = socket.peers().empty() && socket.endpoints().empty() &&
                                     !seen.readable && !seen.writable &&
                                     socket.poll_timeout() == duration::max();
                  return quiet ? 0 : number;
              }) == 0);
        parent.check();
    }
}

TEST_CASE("a child's new context talks to the socket of its parent")
{
    if (thread_sanitized)
        SLK_SKIP("ThreadSanitizer allows no threads after a fork");
    for (const int threads : every_thread_count) {
        CAPTURE(threads);
        talkers parent(1); // without a thread it would not listen while the test waits
        auto puller = new_socket<pull>(*parent.in);
        const std::string bound = must(puller.bind(any_tcp));
        CHECK(in_a_child([&] {
                  parent.client.reset();
                  parent.server.reset();
                  parent.in.reset();
                  auto own = new_context(threads);
                  auto pusher = new_socket<push>(own);
                  if (!pusher.connect(bound) || !pusher.send(message_of("from the child"), 10s))
                      return 1;
                  return pusher.close(10s).unsent() == 0 ? 0 : 2;
              }) == 0);
        CHECK(receive_text(puller) == "from the child");
        parent.check();
    }
}

TEST_CASE("when a child has ended its copies, none of their descriptors is open in it")
{
    const std::set<int> before = open_descriptors();
    talkers parent(1);
    CHECK(in_a_child([&] {
              parent.client.reset();
              parent.server.reset();
              parent.events.reset();
              parent.in.reset();
              return open_descriptors() == before ? 0 : 1;
          }) == 0);
    parent.check();
}

TEST_CASE("a child may destroy the handle of a socket that its parent had closed, and its context")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = std::make_optional(new_context(threads));
        auto closed = std::make_optional(new_socket<pull>(*in));
        closed->close(0ms);
        in.reset();
        CHECK(in_a_child([&] {
                  closed.reset();
                  return 0;
              }) == 0);
    }
}
