// SPDX-License-Identifier: MPL-2.0
// slk top, in a terminal of tmux.

#include "input_file.hpp"
#include "receiving_slk.hpp"
#include "spawned_slk.hpp"
#include "support/skip.hpp"
#include "support/until.hpp"

#include "tools/slk/top_view.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

using namespace slk::testing;

namespace {

/// A slk receive with a page, which is connected to nothing, too.
class served_process {
public:
    served_process()
        : tool_({"receive", "pull", "--bind", "tcp://127.0.0.1:0", "--connect", dead_endpoint,
                 "--http"})
    {
        while (const auto line = tool_.line()) {
            if (line->starts_with("page: "))
                url = line->substr(6);
            if (line->starts_with("listening on "))
                endpoint = line->substr(13);
            if (!url.empty() && !endpoint.empty())
                return;
        }
        FAIL("there is no line with the address of the page");
    }

    void interrupt() { tool_.interrupt(SIGINT); }

    std::string url;
    std::string endpoint;

private:
    spawned_slk tool_;
};

/// A terminal in which slk top runs, and a shell behind it.
class terminal {
public:
    explicit terminal(const std::string& url, const std::string& variables = "")
        : socket_(unused_path(".tmux")), pid_(unused_path(".pid"))
    {
        // The shell prints what the terminal is like when slk has ended.
        const input_file script("trap : INT\nsh -c 'echo $$ > " + pid_ + "; exec env " + variables +
                                " \"$SLK_COMMAND\" top --every 100ms " + url +
                                "'\necho code=$?\nstty -a\nexec cat\n");
        script_ = script.path() + ".sh";
        std::ofstream(script_) << std::ifstream(script.path()).rdbuf();
        CHECK(run("new-session -d -x 100 -y 20 sh " + script_).code == 0);
    }
    terminal(const terminal&) = delete;
    terminal& operator=(const terminal&) = delete;
    ~terminal()
    {
        (void)run("kill-server");
        for (const std::string& each : {script_, pid_, socket_})
            std::filesystem::remove(each);
    }

    run_result run(const std::string& command) const
    {
        return run_program("tmux", "-S " + socket_ + " -f /dev/null " + command);
    }
    [[nodiscard]] std::string screen(const std::string& options = "") const
    {
        return run("capture-pane -p " + options).out;
    }
    [[nodiscard]] bool shows(const std::string& text) const
    {
        return until([&] { return screen().find(text) != std::string::npos; });
    }
    /// "1 0": the other screen, and no cursor.
    [[nodiscard]] bool has_modes(const std::string& modes) const
    {
        return until([&] {
            return run("display-message -p \"#{alternate_on} #{cursor_flag}\"").out == modes + "\n";
        });
    }
    /// The terminal is as it was before, and the command has ended with this code.
    void is_restored_after(const std::string& code) const
    {
        CHECK(shows("code=" + code + "\n"));
        CHECK(has_modes("0 1"));
        const std::string now = screen();
        for (const char* mode : {" icanon", " echo ", " iexten"}) {
            CAPTURE(mode);
            CHECK(until([&] { return screen().find(mode) != std::string::npos; }));
        }
        CHECK(now.find("SOCKET, ENDPOINT") == std::string::npos);
    }
    [[nodiscard]] pid_t process() const
    {
        pid_t id = 0;
        std::ifstream(pid_) >> id;
        return id;
    }

private:
    std::string socket_;
    std::string pid_;
    std::string script_;
};

} // namespace

#define SLK_NEEDS_TMUX()                                                                           \
    do {                                                                                           \
        SLK_NEEDS_COMMAND();                                                                       \
        if (run_program("command", "-v tmux").code != 0)                                           \
            SLK_SKIP("needs tmux");                                                                \
    } while (false)

TEST_CASE("slk top --once prints the sockets, endpoints and peers of a process as a table")
{
    SLK_NEEDS_COMMAND();
    const served_process served;
    CHECK(run_slk("send push --connect " + served.endpoint + " a b c").code == 0);
    std::string table;
    CHECK(until([&] {
        const run_result result = run_slk("top --once " + served.url);
        table = result.out;
        return result.code == 0 && table.find("        3\n") != std::string::npos;
    }));
    CAPTURE(table);
    const auto lines = lines_of(table);
    REQUIRE(lines.size() >= 4);
    CHECK(lines[0].starts_with("slk top  " + served.url + "  serverlink "));
    CHECK(lines[1].starts_with("SOCKET, ENDPOINT, PEER"));
    CHECK(lines[2].starts_with("PULL 1 "));
    CHECK(table.find("  " + served.endpoint + " ") != std::string::npos);
    CHECK(table.find(std::string("  ") + dead_endpoint + " ") != std::string::npos);
    CHECK(table.find("listening ") != std::string::npos);
    CHECK(table.find("\x1b") == std::string::npos);
}

TEST_CASE("slk top --once tells why there is no table")
{
    SLK_NEEDS_COMMAND();
    const run_result refused = run_slk("top --once 127.0.0.1:1");
    CHECK(refused.code == 4);
    CHECK(has(refused, "slk: 127.0.0.1:1: connect: connection_refused"));
    spawned_slk silent({"listen", "--discard", "tcp://127.0.0.1:0"});
    const std::string where = silent.line().value_or("listening on ").substr(13);
    const run_result late = run_slk("top --once --wait 200ms " + where);
    CHECK(late.code == 3);
    const run_result wrong = run_slk("top --once nonsense");
    CHECK(wrong.code == 2);
    const run_result piped = run_slk("top 127.0.0.1:1", "/dev/null");
    CHECK(piped.code == 2);
    CHECK(has(piped, "slk: --once is required where stdin or stdout is no terminal"));
}

TEST_CASE("slk top shows rates live, follows the size of the terminal, and ends with q")
{
    SLK_NEEDS_TMUX();
    const served_process served;
    const terminal at(served.url);
    CHECK(at.shows("PULL 1 "));
    CHECK(at.has_modes("1 0"));
    CHECK(at.shows("q quit, j k scroll"));
    // Messages arrive, and so there is a rate.
    spawned_slk sender(
        {"send", "push", "--connect", served.endpoint, "--every", "5ms", "--count", "100000", "x"});
    CHECK(at.shows(" ready "));
    CHECK(until([&] {
        for (const std::string& line : lines_of(at.screen()))
            if (line.starts_with("PULL 1 ") && line.size() > 78 && line[78] >= '0' &&
                line[78] <= '9' && line.substr(73, 6) != "     0")
                return true;
        return false;
    }));
    // Smaller: the last line stays the last one, and nothing is wider than the terminal.
    CHECK(at.run("resize-window -x 50 -y 5").code == 0);
    CHECK(until([&] {
        const auto lines = lines_of(at.screen());
        return lines.size() == 5 && lines[4] == "q quit, j k scroll" &&
               lines[1].starts_with("SOCKET, ENDPOINT, PEER") && lines[1].size() <= 50;
    }));
    // More lines than rows: it scrolls.
    CHECK(at.run("send-keys j").code == 0);
    CHECK(until([&] { return lines_of(at.screen())[2].starts_with("  tcp://"); }));
    CHECK(at.run("send-keys Up").code == 0);
    CHECK(at.shows("PULL 1\n"));
    CHECK(at.run("resize-window -x 100 -y 20").code == 0);
    CHECK(until([&] {
        const auto lines = lines_of(at.screen());
        return lines.size() > 5 && lines[0].find("memory") != std::string::npos;
    }));
    CHECK(at.run("send-keys q").code == 0);
    at.is_restored_after("0");
}

TEST_CASE("slk top restores the terminal on every signal that ends it")
{
    SLK_NEEDS_TMUX();
    const served_process served;
    struct ending {
        int signal;
        const char* code;
    };
    for (const ending& each : {ending{SIGINT, "0"},
                               {SIGTERM, "0"},
                               {SIGHUP, "0"},
                               {SIGQUIT, "131"},
                               {SIGABRT, "134"},
                               {SIGSEGV, "139"}}) {
        CAPTURE(each.signal);
        const terminal at(served.url);
        CHECK(at.shows("PULL 1 "));
        CHECK(at.has_modes("1 0"));
        REQUIRE(at.process() > 1);
        CHECK(::kill(at.process(), each.signal) == 0);
        at.is_restored_after(each.code);
    }
    const terminal at(served.url);
    CHECK(at.shows("PULL 1 "));
    CHECK(at.run("send-keys C-c").code == 0);
    at.is_restored_after("0");
}

TEST_CASE("slk top has colours, but with NO_COLOR none")
{
    SLK_NEEDS_TMUX();
    const served_process served;
    const terminal coloured(served.url);
    CHECK(coloured.shows("listening"));
    CHECK(coloured.screen("-e").find("\x1b[32mlistening") != std::string::npos);
    const terminal plain(served.url, "NO_COLOR=1");
    CHECK(plain.shows("listening"));
    CHECK(plain.screen("-e").find('\x1b') == std::string::npos);
}

TEST_CASE("slk top goes on when the process is gone, and says so")
{
    SLK_NEEDS_TMUX();
    auto served = std::make_unique<served_process>();
    const terminal at(served->url);
    CHECK(at.shows("PULL 1 "));
    served.reset();
    CHECK(at.shows("no answer: "));
    CHECK(at.shows("PULL 1 ")); // the last table
    CHECK(at.run("send-keys q").code == 0);
    at.is_restored_after("0");
}

TEST_CASE("the table of slk top has rates between two samples, and cuts lines between characters")
{
    using slk::tool::json_value;
    slk::tool::top_view view;
    const auto sample = [](const std::string& time, const std::string& received) {
        return *json_value::parse(
            R"({"time":)" + time +
            R"(,"sockets":[{"number":1,"type":"SUB","counters":{"received":)" + received +
            R"(,"dropped_full":7},"endpoints":[],"peers":[]}]})");
    };
    const auto first = view.lines(sample("10", "1000"));
    REQUIRE(first.size() == 2);
    CHECK(first[1].text.find("lost 7") != std::string::npos);
    CHECK(first[1].text.find(" - ") != std::string::npos);
    const auto second = view.lines(sample("12", "6000"));
    CHECK(second[1].text.find("2.50k") != std::string::npos); // 5000 in 2 s
    CHECK(slk::tool::cut("gr\xc3\xbc\xc3\x9f", 3) == "gr\xc3\xbc");
    CHECK(slk::tool::short_number(999) == "999");
    CHECK(slk::tool::short_number(12345) == "12.3k");
    CHECK(slk::tool::short_number(999'999'999) == "1.00G");
    CHECK_FALSE(json_value::parse("{").has_value());
}
