// SPDX-License-Identifier: MPL-2.0
// Keeps a connection up and prints its states: keep_a_link tcp://HOST:PORT
#include <serverlink/serverlink.hpp>

#include <cstdio>

static slk::result<void> keep(const char* where)
{
    SLK_TRY(const auto target, slk::endpoint::parse(where)); // an error goes to the caller
    SLK_TRY(auto loop, slk::loop::create());
    slk::link_handlers on; // on.connected would take the stream
    on.state_changed = [begin = loop.now()](const auto& move, const auto&) {
        std::puts(slk::to_string(move, begin).c_str());
    };
    SLK_TRY(auto link, slk::link::create(loop, {.to = target}, on));
    link.start();
    return loop.run(); // until loop.stop()
}

int main(int count, char** words)
{
    const auto kept = keep(count > 1 ? words[1] : "tcp://127.0.0.1:5555");
    if (!kept)
        std::fprintf(stderr, "%s\n", slk::to_string(kept.error()).c_str());
    return kept ? 0 : 1;
}
