// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
#include "http_get.hpp"
#include "interruption.hpp"
#include "live_screen.hpp"
#include "message_text.hpp"
#include "options.hpp"
#include "output.hpp"
#include "top_view.hpp"

#include <serverlink/loop.hpp>
#include <serverlink/timer.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

struct top_settings {
    std::string url = "http://127.0.0.1:9464/";
    endpoint at;
    duration every = 1s;
    duration wait = 2s;
    bool once = false;
    loop_options loop;
};

/// How often keys and the size of the terminal are looked at.
constexpr duration key_check_interval = 20ms;

[[nodiscard]] result<json_value> read_page(loop& on, const top_settings& settings,
                                           const std::function<bool()>& give_up)
{
    SLK_TRY(const std::string body, http_get(on, settings.at, "/state", settings.wait, give_up));
    auto read = json_value::parse(body);
    if (!read || !read->has("sockets"))
        return fail(errc::protocol_error, phase::transfer, "there is no page of serverlink");
    return *std::move(read);
}

[[nodiscard]] std::string headline(const top_settings& settings, const json_value& page)
{
    char up[64];
    std::snprintf(up, sizeof up, "%.0f s", page.number("time"));
    return "slk top  " + settings.url + "  serverlink " + id_text(page.text("version")) + "  up " +
           up + "  memory " + short_number(page.member("memory").number("bytes")) + "B of " +
           short_number(page.member("memory").number("max_bytes")) + 'B';
}

int show_once(loop& on, const top_settings& settings)
{
    const auto page = read_page(on, settings, [] { return interrupted(); });
    if (!page && page.error() == errc::cancelled)
        return exit_code_of_interruption();
    if (!page)
        return report_failure(settings.url, page.error());
    printer out(stdout);
    out.line(headline(settings, *page));
    top_view view;
    for (const top_line& line : view.lines(*page))
        out.line(shown(out, line, line.text.size()));
    return out.exit_code(exit_ok);
}

/// What the screen shows, and how far it is scrolled.
class live_top {
public:
    live_top(live_screen& on, const top_settings& settings) : screen_(on), settings_(settings) {}

    void take(const result<json_value>& page)
    {
        if (page) {
            head_ = headline(settings_, *page);
            lines_ = view_.lines(*page);
            problem_.clear();
        } else {
            problem_ = to_string(page.error());
        }
    }

    /// Draws everything in the size that the terminal has now. False: the terminal is gone.
    [[nodiscard]] bool draw()
    {
        const screen_size size = screen_.size();
        drawn_ = size;
        const std::size_t fixed = 3; // the headline, the heading, the last line
        const std::size_t room = size.rows > fixed ? size.rows - fixed : 0;
        const std::size_t count = lines_.empty() ? 0 : lines_.size() - 1;
        first_ = std::min(first_, count > room ? count - room : 0);
        std::string text =
            cut(head_.empty() ? "slk top  " + settings_.url : head_, size.columns) + '\n';
        if (!lines_.empty())
            text += shown(out_, lines_[0], size.columns) + '\n';
        for (std::size_t i = 0; i < room; ++i)
            text += (i + first_ < count ? shown(out_, lines_[1 + first_ + i], size.columns) : "") +
                    '\n';
        const std::string last =
            problem_.empty() ? "q quit, j k scroll" : "no answer: " + problem_ + "; q quit";
        return screen_.draw(text + out_.paint(problem_.empty() ? colour::none : colour::red,
                                              cut(last, size.columns)));
    }

    [[nodiscard]] bool is_resized() const
    {
        const screen_size size = screen_.size();
        return size.columns != drawn_.columns || size.rows != drawn_.rows;
    }

    /// Handles the keys that were pressed. True: the user wants to leave.
    [[nodiscard]] bool read_keys()
    {
        while (const auto key = screen_.key()) {
            if (*key == 'q' || *key == 'Q')
                return true;
            first_ += *key == 'j' || *key == 'B' ? 1 : 0; // the arrows end with A and B
            first_ -= (*key == 'k' || *key == 'A') && first_ > 0 ? 1 : 0;
            changed_ = true;
        }
        return false;
    }

    [[nodiscard]] bool take_change() { return std::exchange(changed_, false); }

private:
    live_screen& screen_;
    const top_settings& settings_;
    printer out_{stdout};
    top_view view_;
    std::string head_;
    std::vector<top_line> lines_;
    std::string problem_;
    std::size_t first_ = 0;
    screen_size drawn_;
    bool changed_ = false;
};

int show_live(loop& on, live_screen& screen, const top_settings& settings)
{
    live_top top(screen, settings);
    bool leaves = false;
    const auto left = [&] {
        leaves = leaves || interrupted() || top.read_keys();
        return leaves;
    };
    const auto turns = on.call_every(key_check_interval, [] {});
    if (!turns)
        return report_failure(turns.error());
    while (!leaves) {
        const auto page = read_page(on, settings, left);
        if (leaves)
            break;
        top.take(page);
        if (!top.draw())
            return exit_broken_pipe;
        const auto waited = on.run_until(
            [&] {
                const bool over = left();
                if (!over && (top.is_resized() || top.take_change()))
                    leaves = !top.draw();
                return over || leaves;
            },
            settings.every);
        if (!waited)
            return report_failure(waited.error());
    }
    return exit_ok;
}

int run_top(top_settings& settings)
{
    settings.at = parse_page(settings.url);
    auto on = loop::create(settings.loop);
    if (!on)
        return report_failure(on.error());
    interruption ctrl_c;
    if (settings.once)
        return show_once(*on, settings);
    const auto screen = live_screen::open();
    if (!screen)
        throw usage_error("--once is required where stdin or stdout is no terminal");
    return show_live(*on, *screen, settings);
}

} // namespace

void add_top_command(command& program)
{
    command& top = program.add_command(
        "top", "Shows live the sockets, links, peers, queues and rates of a process that serves a "
               "page (the option --http, or slk::http_server).");
    auto settings = std::make_shared<top_settings>();
    top.text({.name = "URL",
              .help = "Of the page: http://HOST:PORT/ or HOST:PORT [http://127.0.0.1:9464/]"},
             settings->url);
    top.flag({.name = "--once", .help = "Print the table once, and end"}, settings->once);
    add_duration(top, {.name = "--every", .help = "Time between two looks", .fallback = "1s"},
                 settings->every);
    add_duration(top, {.name = "--wait", .help = "How long an answer may take", .fallback = "2s"},
                 settings->wait);
    add_backend_option(top, settings->loop.backend);
    top.footer("Keys: q ends, j and k or the arrows scroll. Numbers of sockets and peers are "
               "messages, those of endpoints are bytes; SENT/s and RECV/s are since the last look. "
               "NO_COLOR=1 in the environment: no colours.");
    top.example("slk receive pull --bind 'tcp://*:5555' --http=127.0.0.1:9464");
    top.example("slk top");
    top.example("slk top --once 127.0.0.1:9464");
    add_exit_codes(top, {{exit_ok, "done as asked, or interrupted"},
                         {exit_timed_out, "with --once: no answer within --wait"},
                         {exit_refused, "with --once: nothing listens there"},
                         {exit_interrupted, "with --once: interrupted before the answer"},
                         {exit_terminated, "with --once: terminated before the answer"}});
    top.action([settings] { return run_top(*settings); });
}

} // namespace slk::tool
