// SPDX-License-Identifier: MPL-2.0
// Keeps a connection up, prints its states and the received bytes: read_a_link tcp://HOST:PORT
#include <serverlink/serverlink.hpp>

#include <array>
#include <cstdio>
#include <functional>

namespace {

slk::result<void> run(const char* where)
{
    SLK_TRY(const auto target, slk::endpoint::parse(where));
    // The variables of the handlers outlive the loop, whose end calls handlers for the last time.
    std::array<std::byte, 4096> buffer;
    slk::stream stream;
    std::function<void()> read = [&] {
        (void)stream.receive(buffer, [&](slk::result<std::size_t> got) {
            if (!got || *got == 0)
                return stream.close(); // the link reconnects
            std::fwrite(buffer.data(), 1, *got, stdout);
            read();
        });
    };
    SLK_TRY(auto loop, slk::loop::create());

    slk::link_handlers on;
    on.state_changed = [begin = loop.now()](const auto& move, const slk::link_status&) {
        std::fprintf(stderr, "%s\n", slk::to_string(move, begin).c_str());
    };
    on.connected = [&](slk::stream connected) {
        stream = std::move(connected);
        read();
    };
    SLK_TRY(auto link, slk::link::create(loop, {.to = target}, on));
    link.start();
    return loop.run();
}

} // namespace

int main(int count, char** words)
{
    const auto ran = run(count > 1 ? words[1] : "tcp://127.0.0.1:5555");
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
