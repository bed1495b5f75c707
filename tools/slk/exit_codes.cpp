// SPDX-License-Identifier: MPL-2.0
#include "exit_codes.hpp"

#include <algorithm>
#include <cstdio>

namespace slk::tool {

namespace {

[[nodiscard]] bool has_always(int code)
{
    return code == exit_ok || code == exit_failed || code == exit_usage || code == exit_broken_pipe;
}

} // namespace

const std::vector<page_exit_code>& exit_code_table()
{
    static const std::vector<page_exit_code> table{
        {exit_ok, "done as asked; also when a command without an end of its own is interrupted"},
        {exit_failed, "a failure, which stderr explains"},
        {exit_usage, "wrong usage"},
        {exit_timed_out, "timed out: no peer, no message, no room or no reply within the time"},
        {exit_refused, "refused: nothing listens there, or the peer does not let us in"},
        {exit_unsent, "some messages are unsent"},
        {exit_interrupted, "interrupted (SIGINT, Ctrl-C) before all was done"},
        {exit_broken_pipe, "the reader of stdout has closed it"},
        {exit_terminated, "terminated (SIGTERM) before all was done"},
    };
    return table;
}

void add_exit_codes(command& to, const std::vector<page_exit_code>& own)
{
    for (const page_exit_code& each : exit_code_table()) {
        const auto found = std::ranges::find(own, each.code, &page_exit_code::code);
        if (found != own.end())
            to.exit_code(each.code, found->meaning.empty() ? each.meaning : found->meaning);
        else if (has_always(each.code))
            to.exit_code(each.code, each.code == exit_ok ? "done as asked" : each.meaning);
    }
}

int exit_code_of(const error& why) noexcept
{
    if (why == errc::timed_out)
        return exit_timed_out;
    const bool refused = why == errc::connection_refused || why == errc::self_connect ||
                         why == errc::authentication_refused || why == errc::rejected;
    return refused ? exit_refused : exit_failed;
}

void report(const std::string& text)
{
    std::fprintf(stderr, "slk: %s\n", text.c_str());
}

int report_failure(const error& why)
{
    report(to_string(why));
    return exit_code_of(why);
}

int report_failure(const std::string& what, const error& why)
{
    report(what + ": " + to_string(why));
    return exit_code_of(why);
}

} // namespace slk::tool
