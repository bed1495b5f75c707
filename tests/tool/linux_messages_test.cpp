// SPDX-License-Identifier: MPL-2.0
// slk send and slk receive that are interrupted, stopped, watched on a terminal, or not read.

#include "input_file.hpp"
#include "receiving_slk.hpp"
#include "spawned_slk.hpp"
#include "support/skip.hpp"

#include <serverlink/context.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

using namespace slk::testing;
using namespace std::chrono_literals;

namespace {

const std::string intro = "listening on ";

/// Where it listens.
std::string where_of(spawned_slk& tool)
{
    const auto first = tool.line();
    REQUIRE(first);
    REQUIRE(first->starts_with(intro));
    return first->substr(intro.size());
}

std::vector<std::string> and_bind(std::vector<std::string> words)
{
    words.insert(words.end(), {"--bind", "tcp://127.0.0.1:0"});
    return words;
}

} // namespace

TEST_CASE("an interrupted slk receive prints its totals and ends with exit code 0")
{
    SLK_NEEDS_COMMAND();
    for (const int signal : {SIGINT, SIGTERM}) {
        CAPTURE(signal);
        spawned_slk tool(and_bind({"receive", "pull"}));
        const std::string where = where_of(tool);
        CHECK(run_slk("send push hello --connect " + where).code == 0);
        REQUIRE(tool.says("hello"));
        tool.interrupt(signal);
        REQUIRE(tool.says("received 1 message, 5 bytes"));
        CHECK(tool.end() == 0);
    }
}

TEST_CASE("an interrupted slk send prints its totals and ends, in each of its waits")
{
    SLK_NEEDS_COMMAND();
    SUBCASE("for a peer")
    {
        spawned_slk tool(and_bind({"send", "push", "--wait", "1h", "hello"}));
        (void)where_of(tool);
        tool.interrupt(SIGINT);
        REQUIRE(tool.says("queued 0 messages"));
        CHECK(tool.end() == 130);
    }
    SUBCASE("for a peer with a name")
    {
        spawned_slk tool(and_bind({"send", "router", "--to", "bob", "--wait", "1h", "hello"}));
        (void)where_of(tool);
        tool.interrupt(SIGINT);
        REQUIRE(tool.says("queued 0 messages"));
        CHECK(tool.end() == 130);
    }
    SUBCASE("for the time of the next message")
    {
        spawned_slk tool(and_bind({"send", "push", "--every", "1h", "--count", "2", "hello"}));
        const std::string where = where_of(tool);
        CHECK(run_slk("receive pull --count 1 --wait 30s --connect " + where).code == 0);
        tool.interrupt(SIGINT);
        REQUIRE(tool.says("queued 1 message, 5 bytes: flushed 1, unsent 0"));
        CHECK(tool.end() == 130);
    }
    SUBCASE("for a line of stdin")
    {
        // A FIFO that is open for writing, too, has no end.
        const std::string fifo = unused_path(".fifo");
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        spawned_slk tool(and_bind({"send", "push", "-v"}),
                         {"sh", "-c", "exec \"$0\" \"$@\" <>" + fifo});
        const std::string where = where_of(tool);
        const spawned_slk receiver({"receive", "pull", "--connect", where});
        REQUIRE(tool.says("1 peer"));
        tool.interrupt(SIGINT);
        REQUIRE(tool.says("queued 0 messages"));
        CHECK(tool.end() == 130);
        ::unlink(fifo.c_str());
    }
    SUBCASE("for its messages to be taken")
    {
        auto in = slk::context::create();
        auto full = slk::pull::create(*in, {.receive_high_water_mark = 1});
        const auto where = full->bind("tcp://127.0.0.1:0");
        REQUIRE(where);
        spawned_slk tool({"send", "push", "-v", "--linger", "1h", "--count", "1000", "--connect",
                          *where, std::string(100'000, 'x')});
        REQUIRE(tool.says("ready"));
        tool.interrupt(SIGINT);
        CHECK(tool.says("unsent"));
        CHECK(tool.end() == 130);
    }
}

TEST_CASE("slk that is interrupted before --count is reached ends with 128 and the signal's number")
{
    SLK_NEEDS_COMMAND();
    for (const int signal : {SIGINT, SIGTERM}) {
        CAPTURE(signal);
        for (const char* type : {"pull", "rep"}) {
            const bool receives = type == std::string("pull");
            spawned_slk tool(
                and_bind(receives ? std::vector<std::string>{"receive", "pull", "--count", "1"}
                                  : std::vector<std::string>{"reply", "--count", "1"}));
            (void)where_of(tool);
            tool.interrupt(signal);
            CHECK(tool.end() == 128 + signal);
        }
        spawned_slk request({"request", "-v", "--connect", dead_endpoint, "--wait", "1h", "hello"});
        REQUIRE(request.says("backoff"));
        request.interrupt(signal);
        CHECK(request.end() == 128 + signal);

        spawned_slk listener({"listen", "--once", "1", "tcp://127.0.0.1:0"});
        REQUIRE(listener.says("listening on "));
        listener.interrupt(signal);
        CHECK(listener.end() == 128 + signal);
    }
}

TEST_CASE("slk whose stdout was closed ends quietly, as after SIGPIPE")
{
    SLK_NEEDS_COMMAND();
    for (const char* command : {"listen tcp://127.0.0.1:0", "help", "link --help", "version",
                                "link --floor 1ms --base 1ms tcp://127.0.0.1:1", "keygen"}) {
        CAPTURE(command);
        // true has ended, and with it the reader, when slk writes.
        const run_result result = run_program(
            "bash", std::string("-c 'exec 3> >(exec true); wait $!; \"$SLK_COMMAND\" ") + command +
                        " >&3; echo code $?'");
        CHECK(result.out == "code 141\n");
    }
}

TEST_CASE("slk receive --peer-timeout closes the connection of a peer that is silent for that time")
{
    SLK_NEEDS_COMMAND();
    spawned_slk sender(and_bind({"send", "push", "--every", "1h", "--count", "2", "hello"}));
    const std::string where = where_of(sender);
    spawned_slk receiver({"receive", "pull", "-v", "--peer-timeout", "300ms", "--connect", where});
    REQUIRE(receiver.says("hello"));
    const auto begun = std::chrono::steady_clock::now();
    sender.interrupt(SIGSTOP);
    REQUIRE(receiver.says("timed_out"));
    // By default it would be half a minute.
    CHECK(std::chrono::steady_clock::now() - begun < 20s);
}

TEST_CASE("slk send --peer-timeout closes the connection of a peer that is silent for that time")
{
    SLK_NEEDS_COMMAND();
    spawned_slk receiver(and_bind({"receive", "pull"}));
    const std::string where = where_of(receiver);
    spawned_slk sender({"send", "push", "-v", "--peer-timeout", "300ms", "--every", "1h", "--count",
                        "2", "--connect", where, "hello"});
    REQUIRE(receiver.says("hello"));
    const auto begun = std::chrono::steady_clock::now();
    receiver.interrupt(SIGSTOP);
    REQUIRE(sender.says("timed_out"));
    CHECK(std::chrono::steady_clock::now() - begun < 20s);
}

TEST_CASE(
    "slk receive --high-water-mark limits the messages that it receives before it prints them")
{
    SLK_NEEDS_COMMAND();
    // Its output is not read, so it stops when the pipe is full.
    spawned_slk receiver(and_bind({"receive", "pull", "--raw", "--high-water-mark", "2"}));
    const std::string where = where_of(receiver);
    auto in = slk::context::create();
    auto sender = slk::push::create(*in, {.send_high_water_mark = 1, .linger = 0s});
    REQUIRE(sender->connect(where));
    const std::string large(200'000, 'x');
    int sent = 0;
    // By default it would be a thousand, and what the system takes.
    while (sent < 900 && sender->send(large, 1s))
        ++sent;
    CHECK(sent < 900);
}

TEST_CASE("slk send and slk receive run on the backend that --backend names")
{
    SLK_NEEDS_COMMAND();
    const auto has_epoll = [](pid_t process) {
        bool found = false;
        for (const auto& each :
             std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd")) {
            std::error_code gone;
            found =
                found || std::filesystem::read_symlink(each, gone).string().find("[eventpoll]") !=
                             std::string::npos;
        }
        return found;
    };
    for (const std::string_view backend : slk::loop::compiled_backends()) {
        CAPTURE(backend);
        if (backend == "io_uring") // may be forbidden here
            continue;
        const std::string name(backend);
        spawned_slk receiver(and_bind({"receive", "pull", "--backend", name}));
        const std::string where = where_of(receiver);
        CHECK(has_epoll(receiver.id()) == (name == "epoll"));
        spawned_slk sender(and_bind({"send", "push", "--wait", "1h", "--backend", name, "hello"}));
        (void)where_of(sender);
        CHECK(has_epoll(sender.id()) == (name == "epoll"));
    }
}

TEST_CASE("slk receive ends without an error when the reader of its output has gone")
{
    SLK_NEEDS_COMMAND();
    spawned_slk sender(and_bind({"send", "push", "--count", "100000", "hello"}));
    const run_result result = run_slk("receive pull --wait 30s --connect " + where_of(sender) +
                                      " 2>/dev/null | head -n 1");
    CHECK(result.out == "hello\n");
}

TEST_CASE("slk send shows its progress on a terminal")
{
    SLK_NEEDS_COMMAND();
    if (std::system("script -qec true /dev/null >/dev/null 2>&1 </dev/null") != 0)
        SLK_SKIP("script(1), which makes a terminal, is missing");
    const receiving_slk receiver("pull --count 8");
    const std::string command = std::string("script -qec \"'") + std::getenv("SLK_COMMAND") +
                                "' send push --count 8 --every 100ms tick --connect " +
                                receiver.where + "\" /dev/null </dev/null";
    std::FILE* const shown = ::popen(command.c_str(), "r");
    REQUIRE(shown != nullptr);
    std::string text;
    for (int letter = 0; (letter = std::fgetc(shown)) != EOF;)
        text += static_cast<char>(letter);
    CHECK(::pclose(shown) == 0);
    CHECK(text.find(" messages, ") != std::string::npos);
    CHECK(text.find("/s") != std::string::npos);
    CHECK(text.find("\r\x1b[Kqueued 8 messages") != std::string::npos);
}
