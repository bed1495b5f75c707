// SPDX-License-Identifier: MPL-2.0

// What happens in a context as lines with a level and a component.

#include <serverlink/serverlink.hpp>

#include "messaging/socket/socket_core.hpp"
#include "support/events.hpp"
#include "support/sockets.hpp"

#include <mutex>
#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

log_stream new_log(const context& of, log_level level, std::size_t capacity = 2048)
{
    log_options options;
    options.level = level;
    options.capacity = capacity;
    return must(log_stream::of(of, options));
}

/// "level component kind", for each line until one has this text; the first word of a line's text
/// is the kind of its event.
std::vector<std::string> lines_until(log_stream& log, std::string_view last)
{
    std::vector<std::string> all;
    while (all.empty() || all.back() != last) {
        const log_line line = must(log.next(test_timeout));
        CHECK_FALSE(line.text.empty());
        all.push_back(std::string(name_of(line.level)) + " " + std::string(line.component) + " " +
                      line.text.substr(0, line.text.find(' ')));
    }
    return all;
}

} // namespace

TEST_CASE("a log begins with what the loops run on, and goes on with what happens")
{
    auto in = new_context(2);
    auto log = new_log(in, log_level::info);
    CHECK(log.readable());
    for (const char* const name : {"loop 0 runs on ", "loop 1 runs on "}) {
        const log_line line = must(log.next(no_wait));
        CHECK(line.level == log_level::info);
        CHECK(line.component == "loop");
        CHECK(line.socket == 0);
        CHECK(line.text.starts_with(name));
    }
    CHECK(code_of(log.next(no_wait)) == errc::would_block);
    auto server = new_socket<pull>(in);
    auto client = new_socket<push>(in);
    const std::string bound = must(server.bind(any_tcp));
    const log_line line = must(log.next(no_wait));
    CHECK(line.socket == server.number());
    CHECK(to_string(line).starts_with("info endpoint: listening " + bound));
    must(client.connect(bound));
    must(client.wait_ready(test_timeout));
    CHECK(lines_until(log, "info peer peer_added").size() == 1);
}

TEST_CASE("a log has lines from its level on, and nothing is made for the others")
{
    auto in = new_context();
    auto log = new_log(in, log_level::error);
    auto of = new_socket<pull>(in);
    auto& events = of.core()->reports().events();
    CHECK(events.wants(event_kind::bind_failed));
    for (const event_kind kind : {event_kind::listening, event_kind::accepted, event_kind::dropped,
                                  event_kind::handshake_succeeded, event_kind::peer_added})
        CHECK_FALSE(events.wants(kind));
    const std::string bound = must(of.bind(any_tcp));
    auto other = new_socket<pull>(in);
    CHECK_FALSE(other.bind("tcp://nothing"));
    CHECK(lines_until(log, "error endpoint bind_failed").size() == 1);
    CHECK(code_of(log.next(no_wait)) == errc::would_block);
    CHECK(code_of(log.next(timeout{1ms})) == errc::timed_out);
}

TEST_CASE("a log of every level has each step of a connection")
{
    auto in = new_context();
    auto log = new_log(in, log_level::debug);
    auto server = new_socket<pull>(in);
    auto client = new_socket<push>(in);
    (void)bind_and_connect(server, client);
    must(client.wait_ready(test_timeout));
    must(server.wait_ready(test_timeout));
    const auto all = lines_until(log, "info peer peer_added");
    for (const char* const wanted :
         {"debug connection accepted", "debug connection connected",
          "debug handshake handshake_succeeded", "debug link link_state"})
        CHECK(std::ranges::count(all, wanted) > 0);
}

TEST_CASE("a log that is not read is bounded, and counts what it has lost")
{
    auto in = new_context();
    auto log = new_log(in, log_level::warning, 2);
    auto of = new_socket<pull>(in);
    for (int number = 0; number < 5; ++number)
        CHECK_FALSE(of.bind("tcp://nothing"));
    CHECK(log.lost() == 3);
    CHECK(lines_until(log, "warning log events_lost").size() == 3);
}

TEST_CASE("the handler of a log is called for each line")
{
    std::mutex guard;
    std::vector<std::string> seen;
    log_options options;
    options.handler = [&](const log_line& line) {
        const std::lock_guard lock(guard);
        seen.push_back(to_string(line));
    };
    auto in = new_context();
    auto log = must(log_stream::of(in, options));
    CHECK(code_of(log.next(no_wait)) == errc::invalid_state);
    auto of = new_socket<pull>(in);
    const std::string bound = must(of.bind(any_tcp));
    CHECK(until([&] {
        const std::lock_guard lock(guard);
        return seen.size() == 2 && seen[0].starts_with("info loop: loop 0 runs on ") &&
               seen[1].starts_with("info endpoint: listening " + bound);
    }));
}

TEST_CASE("the options of a log are checked")
{
    auto in = new_context();
    CHECK(code_of(log_stream::of(in, {.capacity = 0})) == errc::invalid_argument);
    CHECK(code_of(log_stream::of(in, {.level = static_cast<log_level>(4)})) ==
          errc::invalid_argument);
    CHECK(name_of(log_level::debug) == "debug");
    CHECK(name_of(log_level::warning) == "warning");
    for (std::size_t number = 0; number < event_kind_count; ++number)
        CHECK(component_of(static_cast<event_kind>(number)) != "unknown");
}
