// SPDX-License-Identifier: MPL-2.0
// slk listen with a connection as stdin and stdout: its own, or those of a process.

#include "input_file.hpp"
#include "receiving_slk.hpp"
#include "spawned_slk.hpp"
#include "support/skip.hpp"
#include "support/until.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

using namespace slk::testing;

namespace {

/// A slk listen beside the test.
class spawned_listener {
public:
    explicit spawned_listener(std::vector<std::string> options, std::vector<std::string> under = {})
        : tool(with_endpoint(std::move(options)), std::move(under))
    {
        const std::string intro = "listening on ";
        const auto first = tool.line();
        REQUIRE(first);
        REQUIRE(first->starts_with(intro));
        where = "tcp://" + first->substr(intro.size());
    }

    spawned_slk tool;
    std::string where;

private:
    static std::vector<std::string> with_endpoint(std::vector<std::string> options)
    {
        options.insert(options.begin(), "listen");
        options.emplace_back("tcp://127.0.0.1:0");
        return options;
    }
};

/// Runs slk with stdin from a file.
std::vector<std::string> reading(const std::string& path)
{
    return {"sh", "-c", "exec \"$0\" \"$@\" < " + path};
}

std::size_t count_of(const std::string& text, char letter)
{
    std::size_t count = 0;
    for (const char each : text)
        count += each == letter ? 1 : 0;
    return count;
}

run_result link_with(const std::string& where, const std::string& input)
{
    const input_file file(input);
    return run_slk("link --pipe --for 30s " + where, file.path());
}

} // namespace

TEST_CASE("slk listen --pipe exchanges stdin and stdout with its first peer, in full")
{
    SLK_NEEDS_COMMAND();
    const std::string line(99, '<');
    std::string lines;
    for (int i = 0; i < 10'000; ++i)
        lines += line + '\n';
    const input_file input(lines);
    const input_file output("");
    spawned_listener here({"--pipe"}, reading(input.path() + " > " + output.path()));
    const char* const root = std::getenv("SLK_SOURCE_ROOT");
    if (root == nullptr)
        SLK_SKIP("needs the sources");
    const run_result peer = run_program(
        "python3", std::string(root) + "/tests/tool/peer_of_pipe.py " +
                       here.where.substr(here.where.rfind(':') + 1) + " " + input.path());
    CHECK(peer.code == 0);
    CHECK(peer.out == lines);
    CHECK(here.tool.end() == 0);
    std::ifstream file(output.path());
    CHECK(std::string{std::istreambuf_iterator<char>(file), {}} == lines);
}

TEST_CASE("slk listen --pipe ends after its peer although stdin does not, and takes no other peer")
{
    SLK_NEEDS_COMMAND();
    // A FIFO that is open for writing, too, has no end.
    const std::string fifo = unused_path(".fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const std::vector<std::string> endless{"sh", "-c", "exec \"$0\" \"$@\" <>" + fifo};
    spawned_listener here({"--pipe"}, endless);
    {
        spawned_slk first({"link", here.where, "--pipe"}, endless);
        REQUIRE(first.says("connected"));
        CHECK(until([&] { return run_slk("link --never --for 20s " + here.where).code == 4; }));
    }
    CHECK(here.tool.end() == 0);
    ::unlink(fifo.c_str());
}

TEST_CASE("slk listen --pipe that is interrupted, or whose peer resets, ends with a failure")
{
    SLK_NEEDS_COMMAND();
    for (const int signal : {SIGINT, SIGTERM}) {
        CAPTURE(signal);
        spawned_listener here({"--pipe"}, reading("/dev/null"));
        here.tool.interrupt(signal);
        CHECK(here.tool.end() == 128 + signal);
    }
    const input_file input("ready\n");
    spawned_listener here({"--pipe"}, reading(input.path()));
    const std::string port = here.where.substr(here.where.rfind(':') + 1);
    CHECK(run_program("python3",
                      "-c 'import socket, struct; s = socket.create_connection((\"127."
                      "0.0.1\", " +
                          port +
                          ")); s.recv(1); s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, "
                          "struct.pack(\"ii\", 1, 0)); s.close()'")
              .code == 0);
    CHECK(here.tool.says("slk: "));
    CHECK(here.tool.end() == 1);
}

TEST_CASE("slk listen --exec runs a process for each connection")
{
    SLK_NEEDS_COMMAND();
    spawned_listener here({"--exec", "echo $SLK_PEER; tr a-z A-Z", "--once", "2"});
    for (const char* text : {"hello", "goodbye"}) {
        const run_result link = link_with(here.where, std::string(text) + "\n");
        CHECK(link.code == 0);
        CHECK(has(link, text == std::string("hello") ? "HELLO\n" : "GOODBYE\n"));
        CHECK(has(link, "127.0.0.1:"));
    }
    CHECK(here.tool.says("accepted 2, failed 0, shed 0, refused 0"));
    CHECK(here.tool.end() == 0);
}

TEST_CASE("slk listen --exec passes much data both ways through a process")
{
    SLK_NEEDS_COMMAND();
    const std::size_t size = 3'000'000;
    spawned_listener here({"--exec", "cat", "--once", "1"});
    const run_result link = link_with(here.where, std::string(size, '>') + "\n");
    CHECK(count_of(link.out, '>') == size);
    CHECK(here.tool.end() == 0);
}

TEST_CASE("slk listen --max-processes resets a connection too many")
{
    SLK_NEEDS_COMMAND();
    spawned_listener here({"--exec", "echo ready; cat", "--max-processes", "1"});
    const std::string fifo = unused_path(".fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    spawned_slk first({"link", here.where, "--pipe"}, {"sh", "-c", "exec \"$0\" \"$@\" <>" + fifo});
    REQUIRE(first.says("ready"));
    const run_result second =
        run_slk("link --never --useful-when connected --pipe " + here.where, "/dev/null");
    CAPTURE(second.out);
    CHECK(second.code == 1);
    CHECK_FALSE(has(second, "ready"));
    ::unlink(fifo.c_str());
}

TEST_CASE("an interrupted slk listen --exec terminates its processes, which begin with no signal "
          "blocked or ignored")
{
    SLK_NEEDS_COMMAND();
    std::optional<spawned_listener> here;
    // The shell and what it has started; yes ends by SIGPIPE.
    here.emplace(std::vector<std::string>{
        "--exec", "yes | head -n 1; echo pid $$ end; sleep 1000; echo not reached"});
    const std::string fifo = unused_path(".fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    spawned_slk link({"link", here->where, "--pipe"}, {"sh", "-c", "exec \"$0\" \"$@\" <>" + fifo});
    pid_t id = 0;
    while (const auto line = link.line())
        if (const std::size_t at = line->find("pid "); at != std::string::npos) {
            id = static_cast<pid_t>(std::stol(line->substr(at + 4)));
            break;
        }
    REQUIRE(id > 1);
    REQUIRE(::kill(id, 0) == 0);
    here->tool.interrupt(SIGTERM);
    CHECK(here->tool.end() == 0);
    CHECK(until([&] { return ::kill(-id, 0) != 0; }));
    ::unlink(fifo.c_str());
}
